import Channel
import Foundation
import Synchronization

/// The sealer of one reply, shared by the steps that write it.
final class SharedSealer: Sendable {
    private let sealer: Mutex<ReplySealer>
    init(_ sealer: consuming ReplySealer) { self.sealer = Mutex(sealer) }

    func seal(_ content: [UInt8], final: Bool) -> [UInt8] { sealer.withLock { $0.seal(content, final: final) } }
}

/// Seals the pieces of one reply and hands them on.
struct ReplyWriter: Sendable {
    let sealer: SharedSealer
    let hand: @Sendable ([UInt8]) async throws -> Void

    /// Sends a piece; returns when it was taken.
    /// - Throws: `CancellationError` once nobody listens.
    func send(_ value: some Encodable, final: Bool = false) async throws {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = .withoutEscapingSlashes
        try await hand(sealer.seal(Array(try encoder.encode(value)), final: final))
    }

    /// Sends the last piece.
    func finish(_ value: some Encodable) async throws { try await send(value, final: true) }
}
