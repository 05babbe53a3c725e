import Cryptography
import Foundation
import NIOSSL
import Synchronization
import Testing

@testable import Courier
@testable import References

/// Whom the courier connects to, and how long it waits.
struct CourierTests {
    /// Answers that change: each look-up gives the next one, and the last for ever.
    private final class Names: Sendable {
        private let answers: Mutex<[[String]]>
        private let count = Mutex(0)
        init(_ answers: [String]...) { self.answers = Mutex(answers) }

        var asked: Int { count.withLock { $0 } }
        var resolver: Resolver {
            Resolver { [self] _ in
                count.withLock { $0 += 1 }
                return answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }.compactMap { NetworkAddress($0) }
            }
        }
    }

    private static let content = Array("GGUF, or something that says so".utf8)
    private static let digest = Hex.encode(sha256(content))
    private static let name = "ollama:tiny:1b"

    private static func manifest(_ size: Int = content.count) -> [UInt8] {
        Array(
            #"{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:\#(digest)", "size": \#(size)}]}"#
                .utf8)
    }

    @Sendable private static func honest(_ request: String) -> [Stub.Piece] {
        Stub.answer("200 OK", [], request.contains("/manifests/") ? manifest() : content)
    }

    private func courier(
        _ setting: String, _ routes: Routes = Routes(Resolver { _ in [] }), _ limits: CourierLimits = CourierLimits(),
        trusted: Bool = false
    ) throws -> Courier {
        // The wall against http:// and names is in the setting; here it is the routes that are looked at.
        var configuration = CourierConfiguration(registries: try Registry.list(setting), isAirGapped: false)
        configuration.limits = limits
        var trust = TLSConfiguration.makeClientConfiguration()
        if trusted {
            trust.trustRoots = try .certificates([.init(bytes: Array(Stub.certificate.utf8), format: .pem)])
        }
        return try Courier(configuration, routes: routes, trust: trust)
    }

    private func fetch(_ courier: Courier) async throws -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appending(path: "courier-\(UUID().uuidString)")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let announcement = try await courier.announce(ModelReference(Self.name))
        let handle = try FileHandle(forUpdating: file)
        for try await _ in courier.fetch(announcement, into: handle.fileDescriptor) {}
        return Array(try Data(contentsOf: file))
    }

    @Test func `a name is looked up once, and an answer that changes later changes nothing`() async throws {
        let stub = try await Stub(tls: true, Self.honest)
        let names = Names(["127.0.0.1"], ["10.0.0.1"])
        let courier = try courier(
            "ollama=https://models.example:\(stub.port)", Routes(names.resolver, mayDial: { $0 == .loopback }),
            trusted: true)
        #expect(try await fetch(courier) == Self.content)
        #expect(names.asked == 1)
        await stub.close()
    }

    @Test(arguments: [
        (["127.0.0.1"], AddressClass.loopback), (["10.1.2.3"], .inside), (["169.254.169.254"], .linkLocal),
        (["::ffff:127.0.0.1"], .embedded), (["9.9.9.9", "192.168.0.1"], .inside), (["2003::1", "::1"], .loopback),
    ])
    func `a name that leads inside is refused, whatever else it leads to`(answer: [String], kind: AddressClass)
        async throws
    {
        let names = Names(answer)
        let courier = try courier("ollama=https://models.example", Routes(names.resolver))
        await #expect(throws: CourierError.refusedAddress(.name("models.example"), kind)) {
            try await courier.announce(ModelReference(Self.name))
        }
    }

    @Test func `a name that nobody knows is said, and one with its address is not looked up`() async throws {
        let names = Names([])
        let nobody = try courier("ollama=https://models.example", Routes(names.resolver))
        let origin = try Origin("https://models.example")
        await #expect(throws: CourierError.unreachable(origin, .name)) {
            try await nobody.announce(ModelReference(Self.name))
        }
        let stub = try await Stub(tls: true, Self.honest)
        let pinned = try courier(
            "ollama=https://models.example:\(stub.port)[127.0.0.1]", Routes(names.resolver), trusted: true)
        #expect(try await fetch(pinned) == Self.content && names.asked == 1)
        await stub.close()
    }

    @Test func `the next address is tried if nobody is at the first`() async throws {
        let stub = try await Stub(tls: true, Self.honest)
        let names = Names(["127.0.0.2", "127.0.0.1"])
        let courier = try courier(
            "ollama=https://models.example:\(stub.port)", Routes(names.resolver, mayDial: { $0 == .loopback }),
            trusted: true)
        #expect(try await fetch(courier) == Self.content)
        await stub.close()
    }

    @Test(arguments: [("models.example", false), ("other.example", true)])
    func `a certificate that is not trusted, or another's, ends it`(name: String, trusted: Bool) async throws {
        let stub = try await Stub(tls: true, Self.honest)
        let setting = "ollama=https://\(name):\(stub.port)[127.0.0.1]"
        let courier = try courier(setting, trusted: trusted)
        await #expect(throws: CourierError.unreachable(try Origin("https://\(name):\(stub.port)"), .certificate)) {
            try await courier.announce(ModelReference(Self.name))
        }
        await stub.close()
    }

    private static let silence = Stub.Piece(wait: .seconds(3_600), bytes: [])
    private static let drops = 36_000

    /// A head, and then ten bytes a second for an hour: never silent for long.
    private static func drip() -> [Stub.Piece] {
        [Stub.Piece(bytes: Array("HTTP/1.1 200 OK\r\nContent-Length: \(drops)\r\n\r\n".utf8))]
            + (0..<drops).map { _ in Stub.Piece(wait: .milliseconds(100), bytes: [0x20]) }
    }

    /// None of these answers ends within an hour; the test's own limit is there for a courier that waits.
    @Test(.timeLimit(.minutes(15)), arguments: ["no head", "no body", "a drop now and then", "a slow manifest"])
    func `who is too slow is left`(how: String) async throws {
        let stub = try await Stub { request in
            switch (how, request.contains("/manifests/")) {
            case ("a slow manifest", _): Self.drip()
            case (_, true): Stub.answer("200 OK", [], Self.manifest(Self.drops))
            case ("no head", _): [Self.silence]
            case ("no body", _): [Self.drip()[0], Self.silence]
            default: Self.drip()
            }
        }
        var limits = CourierLimits()
        (limits.silence, limits.answering) = (.milliseconds(500), .milliseconds(1_500))
        (limits.window, limits.leastBytes) = (.milliseconds(1_000), 1_000)
        let setting = "ollama=http://127.0.0.1:\(stub.port)"
        let courier = try courier(setting, Routes(Resolver { _ in [] }), limits)
        await #expect(throws: CourierError.unreachable(try Origin("http://127.0.0.1:\(stub.port)"), .slow)) {
            try await fetch(courier)
        }
        await stub.close()
    }

    @Test func `under an air gap there is no courier`() {
        #expect(throws: CourierError.airGap) {
            try Courier(CourierConfiguration(registries: [], isAirGapped: true))
        }
    }
}
