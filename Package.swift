// swift-tools-version:6.2
import PackageDescription

let strict: [SwiftSetting] = [
    // Not MemberImportVisibility: Swift 6.3 may look for `stat`'s members in CoreFoundation, as its files happen to be
    // batched.
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

let crypto: [Target.Dependency] = [
    .product(name: "Crypto", package: "swift-crypto"),
    .product(name: "CryptoExtras", package: "swift-crypto"),
]
let server: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "HTTPTypes", package: "swift-http-types"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "Logging", package: "swift-log"),
]

/// TLS and HTTP/2, for what listens beyond loopback.
let secureServer: [Target.Dependency] = [
    .product(name: "NIOHTTP2", package: "swift-nio-http2"),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
    .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "NIOTLS", package: "swift-nio"),
]

/// A room: a module, its arrows down, and its tests beside it.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, exclude: exclude,
        swiftSettings: strict)
}

let package = Package(
    name: "cloister",
    products: [
        .executable(name: "cloister", targets: ["cloister"]),
        // The parsers of what comes from outside, for Fuzz and Benchmarks.
        .library(
            name: "CloisterParts",
            targets: ["Cryptography", "Seams", "Vault", "Channel", "Inference", "Archive", "References"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(
            url: "https://github.com/apple/swift-configuration.git", from: "1.4.0",
            traits: [.defaults, "CommandLineArguments"]),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", from: "1.1.4"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        // Ground
        .target(name: "CGuide", exclude: ["guide.gguf"], cSettings: strictC),
        .target(name: "CPlatform", cSettings: strictC),
        .target(name: "CWebAssets", exclude: ["web"], cSettings: strictC),
        .target(name: "CKernels", cSettings: strictC + [.unsafeFlags(["-O3"])]),
        room("Cryptography", crypto + ["CPlatform"]),

        room("Seams", ["CPlatform"]),

        // Parts
        room("Vault", ["Cryptography"]),
        room("Channel", ["Cryptography", .product(name: "AsyncAlgorithms", package: "swift-async-algorithms")]),
        room("Inference", ["CKernels", .product(name: "HeapModule", package: "swift-collections")]),
        room("Confinement", ["CPlatform"]),
        room(
            "Certificates",
            [
                "Cryptography",
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ]),

        room("Catalogue", ["Cryptography", "Inference"]),

        room("References"),

        // Keepers
        room("Archive", [.product(name: "GRDB", package: "GRDB.swift")]),

        // Application
        room("Gateway", ["CWebAssets"] + server + secureServer),
        room("Endpoints", ["Channel"] + server),
        room(
            "Courier",
            [
                "Cryptography", "References",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        room("Cell", ["Vault", "Channel", "Inference", "Cryptography"]),

        // For tests
        .target(name: "TestSupport", dependencies: ["Inference"], path: "Tests/TestSupport", swiftSettings: strict),
        .executableTarget(
            name: "ConfinedProbe",
            dependencies: ["Confinement", "CPlatform", "Archive"] + server,
            path: "Tests/ConfinedProbe", swiftSettings: strict),

        // Root
        .executableTarget(
            name: "cloister",
            dependencies: [
                "CGuide", "CPlatform", "Seams", "Confinement", "Cryptography", "Certificates", "Vault", "Channel",
                "Inference", "Catalogue", "Archive", "Cell", "Gateway", "Endpoints", "References", "Courier",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ] + server,
            swiftSettings: strict),

        tests(
            "Certificates",
            [
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ]),
        tests("Cryptography", ["CPlatform", "TestSupport"]),
        tests("Seams"),
        tests("Vault", ["Cryptography"]),
        tests("Inference", ["CKernels", "TestSupport"], exclude: ["Goldens"]),
        tests("Confinement", ["CPlatform", "ConfinedProbe", "TestSupport"]),
        tests("Catalogue", ["Inference", "TestSupport"]),
        tests("Archive", ["Cryptography"]),
        tests("Channel", ["Cryptography", "TestSupport"]),
        tests("Cell", ["Channel", "Cryptography", "Inference", "Vault", "TestSupport"]),
        tests(
            "Courier",
            [
                "Cryptography", "References",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        tests("cloister", ["Archive", "Cell", "Courier", "Inference", "Seams"]),
    ],
    swiftLanguageModes: [.v6]
)
