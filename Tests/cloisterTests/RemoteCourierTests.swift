import Courier
import Foundation
import Seams
import Testing

@testable import cloister
import References

/// What a command takes from its courier's process, if that one was taken over by whom it dialled.
struct RemoteCourierTests {
    private static let name = "ollama:library/tiny:1b"
    private static let digest = String(repeating: "a", count: 64)

    private static func announced(
        _ name: String = name, digest: String = digest, bytes: String = "10", file: String? = nil
    ) -> String {
        let file = file.map { #", "file": "\#($0)""# } ?? ""
        return #"{"reference": "\#(name)", "digest": "\#(digest)", "byteCount": \#(bytes), "path": "/x"\#(file)}"#
    }

    /// A courier that answers each order with these parts.
    private func courier(_ answers: [CourierOrder: [String]]) throws -> (RemoteCourier, SeamServer) {
        let (near, far) = try Descriptor.pair()
        let server = try SeamServer(far, limits: .control) { call in
            for part in CourierOrder(rawValue: call.method).flatMap({ answers[$0] }) ?? [] {
                try await call.send(Array(part.utf8))
            }
        }
        return (RemoteCourier(seam: try SeamClient(near, limits: .control)), server)
    }

    @Test func `an announcement of what was asked for is taken`() async throws {
        let (courier, server) = try courier([.announce: [Self.announced()]])
        defer { server.close() }
        #expect(try await courier.announce(ModelReference(Self.name)).byteCount == 10)
    }

    @Test(arguments: [
        [], [""], ["{}"], [announced("ollama:library/other:1b")], [announced(digest: "../../etc/passwd")],
        [announced(digest: String(repeating: "A", count: 64))], [announced(bytes: "0")], [announced(bytes: "-1")],
        [announced(bytes: "9000000000000000000")], [announced(bytes: "99999999999999999999")],
        [announced(file: "../x.gguf")], [announced(file: "x")],
    ])
    func `any other announcement is refused`(parts: [String]) async throws {
        let (courier, server) = try courier([.announce: parts])
        defer { server.close() }
        await #expect(throws: (any Error).self) { try await courier.announce(ModelReference(Self.name)) }
    }

    @Test(arguments: [
        [], ["{}"], [#"{"began": {"offset": -1}}"#], [#"{"began": {"offset": 11}}"#],
        [#"{"progress": {"_0": -9223372036854775808}}"#], [#"{"progress": {"_0": 11}}"#],
        [#"{"progress": {"_0": 10}}"#], [#"{"arrived": {}}"#, #"{"progress": {"_0": 1}}"#],
    ])
    func `a fetch that was not one is refused`(parts: [String]) async throws {
        let (courier, server) = try courier([.announce: [Self.announced()], .fetch: parts])
        defer { server.close() }
        let announcement = try await courier.announce(ModelReference(Self.name))
        await #expect(throws: UserError.self) {
            try await courier.fetch(announcement, validator: nil, into: STDERR_FILENO) { _ in }
        }
    }

    @Test func `a fetch is told as it goes on, and no validator is kept that is none`() async throws {
        let said = [
            #"{"began": {"offset": 3, "validator": "no\ntag"}}"#, #"{"progress": {"_0": 10}}"#, #"{"arrived": {}}"#,
        ]
        let (courier, server) = try courier([.announce: [Self.announced()], .fetch: said])
        defer { server.close() }
        let announcement = try await courier.announce(ModelReference(Self.name))
        var events: [FetchEvent] = []
        try await courier.fetch(announcement, validator: nil, into: STDERR_FILENO) { events.append($0) }
        #expect(events == [.began(offset: 3, validator: nil), .progress(10), .arrived])
    }
}
