import CPlatform
import Glibc
import Synchronization

/// A socket that never makes its user wait: what the socket does not take at once is kept until it does, and one thread
/// reads what arrives.
///
/// How much may be kept is bounded by the credits of the calls above.
final class Wire: Sendable {
    private struct Chunk {
        let bytes: [UInt8]
        var written = 0
        let descriptors: [Descriptor]
    }

    private struct Output {
        var chunks: [Chunk] = []
        /// Bytes of the chunks that are not written.
        var waiting = 0
        var isClosed = false

        mutating func close() { (chunks, waiting, isClosed) = ([], 0, true) }
    }

    private static let readCount = 1 << 16
    private let socket: Descriptor
    private let limits: SeamLimits
    private let output = Mutex(Output())
    private let isPaused = Atomic(false)
    /// Wakes the thread when there is something left to write, or at the end.
    private let bell: (ring: Descriptor, heard: Descriptor)

    init(_ socket: Descriptor, limits: SeamLimits) throws(SeamError) {
        (self.socket, self.limits) = (socket, limits)
        bell = try Descriptor.bell()
        let flags = fcntl(socket.raw, F_GETFL)
        guard flags >= 0, fcntl(socket.raw, F_SETFL, flags | O_NONBLOCK) == 0 else { throw .closed }
    }

    /// Begins to read frames.
    /// - Parameters:
    ///   - receive: called for each frame, in order, on the wire's thread.
    ///   - closed: called once, after the last frame.
    func start(
        receive: @escaping @Sendable (Frame, [Descriptor]) throws(SeamError) -> Void,
        closed: @escaping @Sendable () -> Void
    ) throws(SeamError) {
        try start(Framing(limits)) { framing, bytes, descriptors throws(SeamError) in
            try framing.take(bytes, descriptors, receive)
        } closed: {
            closed()
        }
    }

    /// Begins to read what comes, as it comes.
    /// - Parameters:
    ///   - receive: called on the wire's thread with the state; descriptors come no later than the byte that they were
    ///     sent with, and in order.
    ///   - closed: called once, after the last bytes.
    func start<State: Sendable>(
        _ state: State,
        receive: @escaping @Sendable (inout State, ArraySlice<UInt8>, [Descriptor]) throws(SeamError) -> Void,
        closed: @escaping @Sendable () -> Void
    ) throws(SeamError) {
        let isStarted = startThread { [self] in
            var (state, buffer) = (state, [UInt8](repeating: 0, count: Self.readCount))
            while waitForWork(), let (count, descriptors) = read(into: &buffer) {
                defer { buffer.wipe(..<count) }
                do throws(SeamError) { try receive(&state, buffer[..<count], descriptors) } catch { break }
            }
            close()
            shutdown(socket.raw, Int32(SHUT_RDWR))
            closed()
        }
        guard isStarted else { throw .closed }
    }

    /// Sends bytes, with descriptors beside the first one; returns at once.
    func send(_ bytes: [UInt8], _ descriptors: [Descriptor] = []) throws(SeamError) {
        let (isOpen, isRest) = output.withLock { output in
            guard !output.isClosed else { return (false, false) }
            output.chunks.append(Chunk(bytes: bytes, descriptors: descriptors))
            output.waiting += bytes.count
            return (true, !write(&output))
        }
        guard isOpen else { throw .closed }
        if isRest { wake() }
    }

    /// Whether nothing is left to be taken.
    var isTold: Bool { output.withLock { $0.chunks.isEmpty } }

    /// Reads no more for now, or goes on; the end of the connection is noticed all the same.
    func pause(_ paused: Bool) {
        if isPaused.exchange(paused, ordering: .acquiringAndReleasing), !paused { wake() }
    }

    /// Waits until fewer bytes than this are kept, or until the end.
    func room(below limit: Int) async {
        while output.withLock(\.waiting) > limit {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Waits until nothing is left, or for two seconds.
    func drain() async {
        for _ in 0..<400 where !isTold { try? await Task.sleep(for: .milliseconds(5)) }
    }

    /// Ends the thread and, with it, the connection; what was not yet taken is dropped.
    func close() {
        output.withLock { $0.close() }
        wake()
    }

    private func wake() { _ = Glibc.write(bell.ring.raw, [1], 1) }

    /// Writes until everything is written or the socket takes no more.
    /// - Returns: whether nothing is left.
    private func write(_ output: inout Output) -> Bool {
        while let chunk = output.chunks.first {
            let isFirst = chunk.written == 0
            let written = chunk.bytes.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[chunk.written...])
                let carried = isFirst ? chunk.descriptors.map(\.raw) : []
                return cp_send(socket.raw, rest.baseAddress, rest.count, carried, carried.count)
            }
            switch written {
            case -Int(EINTR): continue
            case -Int(EAGAIN): return false
            case ..<0: output.close()
            default:
                output.waiting -= written
                if written == chunk.bytes.count - chunk.written {
                    output.chunks.removeFirst()
                } else {
                    output.chunks[0].written += written
                }
            }
        }
        return true
    }

    /// Sleeps until there is something to read; writes meanwhile what was left.
    /// - Returns: false at the end.
    private func waitForWork() -> Bool {
        while true {
            let (isClosed, isRest) = output.withLock { output in (output.isClosed, !write(&output)) }
            guard !isClosed else { return false }
            let isReading = !isPaused.load(ordering: .acquiring)
            let wanted = (isReading ? Int16(POLLIN) : 0) | (isRest ? Int16(POLLOUT) : 0)
            var polled = [
                pollfd(fd: socket.raw, events: wanted, revents: 0),
                pollfd(fd: bell.heard.raw, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&polled, 2, -1) > 0 else { continue }
            if polled[1].revents != 0 {
                var heard = [UInt8](repeating: 0, count: 64)
                while Glibc.read(bell.heard.raw, &heard, heard.count) > 0 {}
            }
            if polled[0].revents & ~Int16(POLLOUT) != 0 { return true }
        }
    }

    /// Reads what there is.
    /// - Returns: how many bytes, and what came beside them; nil at the end.
    private func read(into buffer: inout [UInt8]) -> (count: Int, descriptors: [Descriptor])? {
        var (arrived, count) = ([Int32](repeating: -1, count: Int(CP_DESCRIPTORS)), 0)
        let received =
            limits.descriptors == 0
            ? Glibc.read(socket.raw, &buffer, buffer.count)
            : cp_receive(socket.raw, &buffer, buffer.count, &arrived, &count)
        let descriptors = arrived.prefix(count).map { Descriptor($0) }
        if received == 0 { return nil }
        guard received < 0 else { return (received, descriptors) }
        let code = limits.descriptors == 0 ? errno : Int32(-received)
        return code == EAGAIN || code == EINTR ? (0, descriptors) : nil
    }
}

/// Finds frames, and what came beside each.
private struct Framing: Sendable {
    private let limit: Int
    private var reader: FrameReader
    private var carried: [Descriptor] = []

    init(_ limits: SeamLimits) {
        limit = limits.descriptors
        reader = FrameReader(payloadLimit: limits.payload, descriptorLimit: limits.descriptors)
    }

    mutating func take(
        _ bytes: ArraySlice<UInt8>, _ descriptors: [Descriptor],
        _ receive: (Frame, [Descriptor]) throws(SeamError) -> Void
    ) throws(SeamError) {
        reader.append(bytes)
        carried += descriptors
        while let frame = try reader.next() {
            guard carried.count >= frame.descriptors else { throw .malformed }
            let own = Array(carried.prefix(frame.descriptors))
            carried.removeFirst(frame.descriptors)
            try receive(frame, own)
        }
        guard carried.count <= limit else { throw .malformed }
    }
}

/// Runs a body on a thread of its own, with a stack of 512 KiB.
private func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var (thread, attributes) = (pthread_t(), pthread_attr_t())
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, 512 << 10)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let box = Unmanaged.passRetained(Box(body))
    let code = pthread_create(
        &thread, &attributes,
        { pointer in
            guard let pointer else { return nil }
            Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    if code != 0 { box.release() }
    return code == 0
}
