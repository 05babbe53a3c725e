// swift-tools-version:6.2
import PackageDescription

// Apart from the main package: with `--sanitize=fuzzer` every executable of a package gets libFuzzer's `main`. The rooms
// under `Sources` are links to the main package's. `run` builds and runs a target.
let package = Package(
    name: "fuzz",
    dependencies: [.package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0")],
    targets: [
        .target(name: "CKernels"),
        .target(name: "Inference", dependencies: ["CKernels", .product(name: "HeapModule", package: "swift-collections")]),
        .executableTarget(
            name: "FuzzModelFile", dependencies: ["Inference"], swiftSettings: [.unsafeFlags(["-parse-as-library"])]),
    ],
    swiftLanguageModes: [.v6]
)
