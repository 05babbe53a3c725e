public import Channel
public import Cryptography
public import Foundation

/// A whole node in one process: the reception and one host for all cells.
///
/// For a command without a server, and for tests.
public actor CellNode: Carrier {
    /// The node's fingerprint, to be pinned.
    public nonisolated let fingerprint: String
    /// Where the cells are.
    public nonisolated let host: CellHost
    private var reception: Reception
    private let clock: @Sendable () -> Date

    /// - Parameter nodeSecret: 32 bytes; the seed of the node's identity.
    public init(
        nodeSecret: borrowing Secret, host: CellHost, clock: @escaping @Sendable () -> Date = { Date() }
    ) throws {
        let reception = Reception(identity: try SigningKey(seed: nodeSecret))
        fingerprint = reception.fingerprint
        self.reception = reception
        (self.host, self.clock) = (host, clock)
    }

    /// The node record with a fresh challenge.
    public func offer() throws -> [UInt8] { try reception.offer(now: now()) }

    /// Judges an opening and answers it.
    public func open(_ body: [UInt8]) async throws -> [UInt8] { try await receive(body).reply }

    /// Opens a request and begins its reply.
    public nonisolated func ask(_ route: Route, _ place: Place, _ body: [UInt8]) async throws -> PieceStream {
        try await host.ask(route, place, body)
    }

    /// Judges an opening.
    public func receive(_ body: [UInt8]) async throws -> CellHost.Entry {
        let admission: Admission
        do { admission = try reception.admit(body, now: now()) } catch { throw Refusal(channel: error) }
        return try await host.receive(body, by: admission)
    }

    private func now() -> UInt64 { UInt64(max(clock().timeIntervalSince1970, 0)) }
}
