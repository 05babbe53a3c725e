import Synchronization

/// The side of a seam that answers.
public final class SeamServer: Sendable {
    private struct State {
        var calls: [UInt32: ServedCall] = [:]
        var last: UInt32 = 0
    }

    private final class Shared: Sendable { let value = Mutex(State()) }

    private let wire: Wire
    private let state: Shared

    /// Takes a socket over and answers calls, each in a task of its own.
    /// - Parameters:
    ///   - closed: called once when the other process is gone, or after `close`.
    ///   - answer: what it throws is the call's failure: the bytes of `SeamError.failed`, or none.
    public init(
        _ socket: Descriptor, limits: SeamLimits = SeamLimits(), closed: @escaping @Sendable () -> Void = {},
        answer: @escaping @Sendable (ServedCall) async throws -> Void
    ) throws(SeamError) {
        let (wire, state) = (try Wire(socket, limits: limits), Shared())
        (self.wire, self.state) = (wire, state)
        try wire.start { frame, descriptors throws(SeamError) in
            if frame.kind == .call {
                try Self.begin(frame, descriptors, state, wire, limits, answer)
            } else {
                try Self.receive(frame, state)
            }
        } closed: {
            for call in state.value.withLock({ $0.calls.values.map { $0 } }) { call.stop(.closed) }
            closed()
        }
    }

    deinit { wire.close() }

    /// Ends the seam; what is being answered is cancelled.
    public func close() { wire.close() }

    /// Waits until every call is answered and told, or for two seconds.
    public func drain() async {
        for _ in 0..<400 where !state.value.withLock({ $0.calls.isEmpty }) {
            try? await Task.sleep(for: .milliseconds(5))
        }
        await wire.drain()
    }

    private static func begin(
        _ frame: Frame, _ descriptors: [Descriptor], _ state: Shared, _ wire: Wire, _ limits: SeamLimits,
        _ answer: @escaping @Sendable (ServedCall) async throws -> Void
    ) throws(SeamError) {
        let call = ServedCall(frame, descriptors, wire: wire, limits: limits)
        let isAllowed = state.value.withLock { state in
            guard frame.call > state.last, state.calls.count < limits.calls else { return false }
            state.last = frame.call
            state.calls[frame.call] = call
            return true
        }
        guard isAllowed else { throw .malformed }
        call.run {
            let end: Frame
            do {
                try await answer(call)
                end = Frame(kind: .end, call: frame.call)
            } catch SeamError.failed(let bytes) {
                end = Frame(kind: .failure, call: frame.call, payload: bytes)
            } catch { end = Frame(kind: .failure, call: frame.call) }
            let isWanted = state.value.withLock { $0.calls.removeValue(forKey: frame.call) != nil }
            if isWanted { try? wire.send(end.encoded()) }
        }
    }

    private static func receive(_ frame: Frame, _ state: Shared) throws(SeamError) {
        let (call, isKnown) = state.value.withLock { ($0.calls[frame.call], frame.call > 0 && frame.call <= $0.last) }
        guard isKnown else { throw .malformed }
        // What arrives for a call that was answered meanwhile is dropped.
        guard let call else { return }
        switch frame.kind {
        case .item: try call.inbox.put(Part(frame.payload))
        case .end: call.inbox.end()
        case .credit: try call.credit.add(frame.credited ?? 0)
        case .cancel:
            state.value.withLock { $0.calls[frame.call] = nil }
            call.stop(.cancelled)
        case .call, .failure: throw .malformed
        }
    }
}

/// One call, on the side that answers.
public final class ServedCall: Sendable {
    /// What is asked.
    public let method: UInt8
    /// The first part of the request.
    public let payload: [UInt8]
    /// What it hands over.
    public let descriptors: [Descriptor]
    let inbox: Inbox
    let credit: Credit
    private let number: UInt32
    private let wire: Wire
    private let limits: SeamLimits
    private let work = Mutex<(task: Task<Void, Never>?, isStopped: Bool)>((nil, false))

    init(_ frame: Frame, _ descriptors: [Descriptor], wire: Wire, limits: SeamLimits) {
        (method, payload, self.descriptors) = (frame.method, frame.payload, descriptors)
        (number, self.wire, self.limits) = (frame.call, wire, limits)
        inbox = Inbox(window: limits.window) { [number] count in
            try? wire.send(Frame.credit(count, call: number).encoded())
        }
        credit = Credit(window: limits.window)
    }

    /// The next part of the request; nil at its end.
    public func next() async throws(SeamError) -> Part? { try await inbox.next() }

    /// Sends one part of the answer; waits until the other side has room.
    /// - Throws: `cancelled` if nobody wants it any more, `closed`, `tooLarge`.
    public func send(_ bytes: [UInt8], descriptors: [Descriptor] = []) async throws(SeamError) {
        guard bytes.count <= limits.payload, descriptors.count <= limits.descriptors else { throw .tooLarge }
        try await credit.take()
        let frame = Frame(kind: .item, call: number, payload: bytes, descriptors: descriptors.count)
        try wire.send(frame.encoded(), descriptors)
    }

    func run(_ body: @escaping @Sendable () async -> Void) {
        work.withLock { work in
            let task = Task { await body() }
            work.task = task
            if work.isStopped { task.cancel() }
        }
    }

    func stop(_ error: SeamError) {
        inbox.end(error)
        credit.end(error)
        work.withLock { work in
            work.isStopped = true
            work.task?.cancel()
        }
    }
}
