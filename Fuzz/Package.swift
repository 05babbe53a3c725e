// swift-tools-version:6.2
import PackageDescription

// A package of its own: with --sanitize=fuzzer every executable gets libFuzzer's main.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "cloister", path: "..")],
    targets: [
        .executableTarget(
            name: "Fuzz", dependencies: [.product(name: "CloisterParts", package: "cloister")],
            swiftSettings: [.unsafeFlags(["-parse-as-library"])])
    ],
    swiftLanguageModes: [.v6]
)
