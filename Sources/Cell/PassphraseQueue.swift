import Channel
import Foundation

/// Stretches passphrases off the cooperative pool: 128 MiB each, so two at a time, and a bounded number in line.
final class PassphraseQueue: Sendable {
    /// What other processes have to agree to first; it is held while the work is done.
    typealias Permit = @Sendable () async throws -> any Sendable

    private static let lineLimit = 16
    private let permit: Permit?
    private let queue: OperationQueue = {
        let queue = OperationQueue()
        queue.maxConcurrentOperationCount = 2
        return queue
    }()

    init(permit: Permit? = nil) { self.permit = permit }

    /// - Throws: `busy` if too many wait.
    func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async throws -> T {
        guard queue.operationCount < Self.lineLimit else {
            throw Refusal(.busy, "Too many people are unlocking at once. Try again in a moment.")
        }
        let permit = try await permit?()
        defer { withExtendedLifetime(permit) {} }
        return await withCheckedContinuation { continuation in
            queue.addOperation { continuation.resume(returning: work()) }
        }
    }
}
