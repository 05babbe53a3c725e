import Synchronization

/// What happens while an answer is made.
public enum GenerationEvent: Sendable, Equatable {
    /// The engine will make the answer, as soon as it is its turn.
    case accepted
    /// The prompt was read: how many of its tokens the sequence still had, how many were computed, and how long ago the
    /// engine was asked.
    case prefilled(reused: Int, evaluated: Int, nanoseconds: UInt64)
    /// The next token.
    case token(TokenID)
    /// The end; nothing follows.
    case finished(FinishReason)
}

/// Why an answer ended.
public enum FinishReason: Sendable, Equatable {
    /// The model ended it.
    case endOfSequence
    /// The limit of the request was reached.
    case length
    /// The context was full.
    case contextFull
    /// Memory for the sequence could not be had.
    case outOfMemory
    /// Too many answers are made or wait: `isOwn` of this client, else of all. Nothing was made.
    ///
    /// seconds: after which it may be worth asking again, 1 to 120.
    case tooMany(isOwn: Bool, seconds: Int)
    /// The engine's process ended; said by whoever was waiting for it, never by an engine.
    case engineGone
}

/// Where the events of one answer come from: an engine in this process, or one in another.
public protocol GenerationSource: Sendable {
    /// The next event; nil at the end or when cancelled.
    func next() async -> GenerationEvent?
    /// Stops the answer.
    func cancel()
}

/// The events of one answer as they happen.
///
/// The engine begins no step for it while `Mailbox.capacity` events wait for the reader. Cancelling the reading task, or
/// letting go of this value, stops the engine within a step.
public final class Generation: AsyncSequence, Sendable {
    /// An event.
    public typealias Element = GenerationEvent
    /// Cancellation ends the sequence without a `finished`.
    public typealias Failure = Never

    private let source: any GenerationSource

    /// Reads a source, and cancels it when nobody holds this value any more.
    public init(_ source: any GenerationSource) { self.source = source }
    deinit { source.cancel() }

    /// Stops the answer; the reader sees the end without a `finished`.
    public func stop() { source.cancel() }

    /// Reads the events; once.
    public func makeAsyncIterator() -> Iterator { Iterator(generation: self) }

    /// Reads one generation.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let generation: Generation

        /// The next event; nil at the end or when cancelled.
        public mutating func next() async -> GenerationEvent? { await generation.source.next() }
    }
}

/// Between the engine's thread and one reader: a bounded queue that neither side blocks on while holding a lock.
final class Mailbox: GenerationSource {
    static let capacity = 8

    private struct State {
        var events: [GenerationEvent] = []
        var isClosed = false
        var isCancelled = false
        var reader: CheckedContinuation<GenerationEvent?, Never>?
    }

    private let state = Mutex(State())
    private let hasRoom: @Sendable () -> Void

    /// - Parameter hasRoom: called when the engine may go on with this answer.
    init(hasRoom: @escaping @Sendable () -> Void) { self.hasRoom = hasRoom }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }
    var isFull: Bool { state.withLock { $0.events.count >= Self.capacity } }

    func post(_ event: GenerationEvent) {
        let reader = state.withLock { state -> CheckedContinuation<GenerationEvent?, Never>? in
            if case .finished = event { state.isClosed = true }
            guard let reader = state.reader else {
                state.events.append(event)
                return nil
            }
            state.reader = nil
            return reader
        }
        reader?.resume(returning: event)
    }

    func cancel() {
        let reader = state.withLock { state in
            state.isCancelled = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
        hasRoom()
    }

    func next() async -> GenerationEvent? {
        await withTaskCancellationHandler {
            let event = await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> GenerationEvent?? in
                    if state.isCancelled { return .some(nil) }
                    if !state.events.isEmpty { return state.events.removeFirst() }
                    if state.isClosed { return .some(nil) }
                    state.reader = continuation
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
            hasRoom()
            return event
        } onCancel: {
            cancel()
        }
    }
}
