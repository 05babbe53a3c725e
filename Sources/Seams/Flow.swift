import Synchronization

/// The parts of one direction of a call, as they arrive; one reader at a time.
final class Inbox: Sendable {
    private typealias Read = Result<Part?, SeamError>

    private struct State {
        var parts: [Part] = []
        var end: Read?
        var reader: CheckedContinuation<Read, Never>?
        var taken = 0
    }

    private let state = Mutex(State())
    private let window: Int
    private let grant: @Sendable (Int) -> Void

    /// - Parameter grant: tells the sender that there is room for as many more parts.
    init(window: Int, grant: @escaping @Sendable (Int) -> Void) { (self.window, self.grant) = (window, grant) }

    /// Adds a part.
    /// - Throws: `malformed` if the sender had no credit for it.
    func put(_ part: Part) throws(SeamError) {
        let (isAllowed, reader) = state.withLock { state -> (Bool, CheckedContinuation<Read, Never>?) in
            guard state.end == nil else { return (true, nil) }
            guard let reader = state.reader else {
                guard state.parts.count < window else { return (false, nil) }
                state.parts.append(part)
                return (true, nil)
            }
            state.reader = nil
            return (true, reader)
        }
        guard isAllowed else { throw .malformed }
        reader?.resume(returning: .success(part))
    }

    /// No more parts; with an error, those that wait are not read any more.
    func end(_ error: SeamError? = nil) {
        let (result, reader) = state.withLock { state -> (Read, CheckedContinuation<Read, Never>?) in
            let result = state.end ?? error.map(Read.failure) ?? .success(nil)
            state.end = result
            if error != nil { state.parts = [] }
            defer { state.reader = nil }
            return (result, state.reader)
        }
        reader?.resume(returning: result)
    }

    /// The next part; nil at the end.
    func next() async throws(SeamError) -> Part? {
        let read = await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Read? in
                if !state.parts.isEmpty { return .success(state.parts.removeFirst()) }
                if let end = state.end { return end }
                state.reader = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
        guard let part = try read.get() else { return nil }
        let granted = state.withLock { state -> Int in
            state.taken += 1
            guard state.taken * 2 >= window, state.end == nil else { return 0 }
            defer { state.taken = 0 }
            return state.taken
        }
        if granted > 0 { grant(granted) }
        return part
    }
}

/// What one direction of a call may still send.
final class Credit: Sendable {
    private struct State {
        var count: Int
        var end: SeamError?
        var waiting: [CheckedContinuation<SeamError?, Never>] = []
    }

    private let state: Mutex<State>
    private let window: Int

    init(window: Int) {
        self.window = window
        state = Mutex(State(count: window))
    }

    /// Takes one, or waits for it.
    func take() async throws(SeamError) {
        let error = await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> SeamError?? in
                if let end = state.end { return .some(end) }
                guard state.count == 0 else {
                    state.count -= 1
                    return .some(nil)
                }
                state.waiting.append(continuation)
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
        if let error { throw error }
    }

    /// The receiver has room for more.
    /// - Throws: `malformed` for more than was ever sent.
    func add(_ count: Int) throws(SeamError) {
        let served = state.withLock { state -> [CheckedContinuation<SeamError?, Never>]? in
            guard count > 0, count <= window, state.count + count <= window else { return nil }
            let served = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(served.count)
            state.count += count - served.count
            return served
        }
        guard let served else { throw .malformed }
        for continuation in served { continuation.resume(returning: nil) }
    }

    /// Nothing more will be taken.
    func end(_ error: SeamError) {
        let waiting = state.withLock { state in
            state.end = state.end ?? error
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: error) }
    }
}
