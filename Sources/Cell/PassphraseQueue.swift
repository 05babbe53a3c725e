import Channel
import Foundation

/// Stretches passphrases off the cooperative pool: 128 MiB each, so two at a time, and a bounded number in line.
final class PassphraseQueue: Sendable {
    private static let lineLimit = 16
    private let queue: OperationQueue = {
        let queue = OperationQueue()
        queue.maxConcurrentOperationCount = 2
        return queue
    }()

    /// - Throws: `busy` if too many wait.
    func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async throws -> T {
        guard queue.operationCount < Self.lineLimit else {
            throw Refusal(.busy, "Too many people are unlocking at once. Try again in a moment.")
        }
        return await withCheckedContinuation { continuation in
            queue.addOperation { continuation.resume(returning: work()) }
        }
    }
}
