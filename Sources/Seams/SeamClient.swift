import Synchronization

/// The side of a seam that asks.
public final class SeamClient: Sendable {
    private struct State {
        var calls: [UInt32: Call.Ends] = [:]
        var last: UInt32 = 0
        var isClosed = false
    }

    private let wire: Wire
    private let limits: SeamLimits
    private let state: Shared

    /// The wire's thread holds this part only, so that letting go of the client ends the thread.
    private final class Shared: Sendable { let value = Mutex(State()) }

    /// Takes a socket over.
    /// - Parameter closed: called once when the other process is gone, or after `close`.
    public init(
        _ socket: Descriptor, limits: SeamLimits = SeamLimits(), closed: @escaping @Sendable () -> Void = {}
    ) throws(SeamError) {
        let (wire, state) = (try Wire(socket, limits: limits), Shared())
        (self.wire, self.limits, self.state) = (wire, limits, state)
        try wire.start { frame, descriptors throws(SeamError) in
            try Self.receive(frame, descriptors, state)
        } closed: {
            let calls = state.value.withLock { state in
                state.isClosed = true
                defer { state.calls = [:] }
                return state.calls
            }
            for ends in calls.values { ends.end(.closed) }
            closed()
        }
    }

    deinit { wire.close() }

    /// Ends the seam; calls that are under way end with `closed`.
    public func close() { wire.close() }

    /// Opens a call.
    /// - Throws: `tooLarge`, `closed`.
    public func call(_ method: UInt8, _ payload: [UInt8] = [], descriptors: [Descriptor] = []) throws(SeamError) -> Call
    {
        guard payload.count <= limits.payload, descriptors.count <= limits.descriptors else { throw .tooLarge }
        var made: Call?
        // The number is taken and written under one lock: the server wants them in order.
        let problem = state.value.withLock { [wire, limits, state] shared -> SeamError? in
            guard !shared.isClosed else { return .closed }
            guard shared.calls.count < limits.calls else { return .tooLarge }
            shared.last &+= 1
            let number = shared.last
            let call = Call(number, wire: wire, limits: limits) {
                state.value.withLock { $0.calls.removeValue(forKey: number) != nil }
            }
            made = call
            shared.calls[number] = call.ends
            let frame = Frame(
                kind: .call, call: number, method: method, payload: payload, descriptors: descriptors.count)
            do throws(SeamError) { try wire.send(frame.encoded(), descriptors) } catch { return error }
            return nil
        }
        guard let made, problem == nil else { throw problem ?? .closed }
        return made
    }

    /// Asks for an answer of one part.
    /// - Parameter patience: after this the call is given up; nil: it waits as long as the other process lives.
    /// - Throws: `malformed` if there was none, `cancelled` if it was given up.
    public func ask(
        _ method: UInt8, _ payload: [UInt8] = [], descriptors: [Descriptor] = [], patience: Duration? = nil
    ) async throws(SeamError) -> Part {
        let call = try call(method, payload, descriptors: descriptors)
        call.finish()
        let end = patience.map { time in
            Task {
                try await Task.sleep(for: time)
                call.cancel()
            }
        }
        defer { end?.cancel() }
        guard let part = try await call.next() else { throw .malformed }
        return part
    }

    private static func receive(_ frame: Frame, _ descriptors: [Descriptor], _ state: Shared) throws(SeamError) {
        let (ends, isKnown) = state.value.withLock { ($0.calls[frame.call], frame.call > 0 && frame.call <= $0.last) }
        guard isKnown else { throw .malformed }
        // What arrives for a call that was cancelled here meanwhile is dropped.
        guard let ends else { return }
        switch frame.kind {
        case .item: try ends.inbox.put(Part(frame.payload, descriptors: descriptors))
        case .credit: try ends.credit.add(frame.credited ?? 0)
        case .end, .failure:
            state.value.withLock { $0.calls[frame.call] = nil }
            ends.credit.end(.cancelled)
            ends.inbox.end(frame.kind == .failure ? .failed(frame.payload) : nil)
        case .call, .cancel: throw .malformed
        }
    }
}

/// One call, on the side that asks.
///
/// Letting go of it cancels it.
public final class Call: Sendable {
    struct Ends: Sendable {
        let inbox: Inbox
        let credit: Credit

        func end(_ error: SeamError) {
            inbox.end(error)
            credit.end(error)
        }
    }

    let ends: Ends
    private let number: UInt32
    private let wire: Wire
    private let limits: SeamLimits
    /// Forgets the call; whether it was still going on.
    private let forget: @Sendable () -> Bool

    init(_ number: UInt32, wire: Wire, limits: SeamLimits, forget: @escaping @Sendable () -> Bool) {
        (self.number, self.wire, self.limits, self.forget) = (number, wire, limits, forget)
        ends = Ends(
            inbox: Inbox(window: limits.window) { count in
                try? wire.send(Frame.credit(count, call: number).encoded())
            }, credit: Credit(window: limits.window))
    }

    deinit { cancel() }

    /// Sends one more part of the request; waits until the other side has room.
    /// - Throws: `cancelled` if the answer has ended already.
    public func send(_ bytes: [UInt8]) async throws(SeamError) {
        guard bytes.count <= limits.payload else { throw .tooLarge }
        try await ends.credit.take()
        try wire.send(Frame(kind: .item, call: number, payload: bytes).encoded())
    }

    /// No more parts of the request follow.
    public func finish() { try? wire.send(Frame(kind: .end, call: number).encoded()) }

    /// The next part of the answer; nil at its end.
    ///
    /// One reader at a time; a reader whose task is cancelled cancels the call.
    public func next() async throws(SeamError) -> Part? {
        let result = await withTaskCancellationHandler {
            do throws(SeamError) { return Result<Part?, SeamError>.success(try await ends.inbox.next()) } catch {
                return .failure(error)
            }
        } onCancel: {
            cancel()
        }
        return try result.get()
    }

    /// Gives the call up.
    public func cancel() {
        guard forget() else { return }
        try? wire.send(Frame(kind: .cancel, call: number).encoded())
        ends.end(.cancelled)
    }
}
