// swift-tools-version:6.2
import PackageDescription

// Apart from the main package, so that its build does not carry this. The rooms under `Sources` are links to the main
// package's. `compare.py` runs it beside llama.cpp.
let package = Package(
    name: "benchmarks",
    dependencies: [.package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0")],
    targets: [
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])]),
        .target(name: "Inference", dependencies: ["CKernels", .product(name: "HeapModule", package: "swift-collections")]),
        .executableTarget(name: "Throughput", dependencies: ["Inference"]),
    ],
    swiftLanguageModes: [.v6]
)
