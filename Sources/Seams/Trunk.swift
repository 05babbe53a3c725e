import Glibc
import Synchronization

/// One stream that carries seams to another machine or over a socket that knows no descriptors: each socket of ours
/// becomes a line, and what is handed over on a line becomes a line of its own; `docs/formats/seams.md` §14.
///
/// It reads nothing of what it carries.
enum Trunk {
    /// What a call on the stream asks for; its request begins with a number.
    enum Method: UInt8 {
        /// A process; the line is its control seam, and its requests seam waits under the number.
        case start = 1
        /// The line of what waits under the number.
        case take
        /// A socket, whose other end waits under the number.
        case socket
        /// A file of so many bytes (8), of which only the beginning follows; it waits under the number.
        case file
    }

    /// What a line says at once, with the numbers of what is handed over beside it.
    struct Piece: Sendable {
        var numbers: [UInt64] = []
        var bytes: [UInt8] = []

        init(_ bytes: [UInt8], numbers: [UInt64]) { (self.bytes, self.numbers) = (bytes, numbers) }

        /// - Throws: `malformed`.
        init(decoding encoded: [UInt8]) throws(SeamError) {
            guard let count = encoded.first.map(Int.init), encoded.count >= 1 + 8 * count else { throw .malformed }
            numbers = (0..<count).map { UInt64(bytes: encoded[(1 + 8 * $0)...].prefix(8)) }
            bytes = Array(encoded[(1 + 8 * count)...])
        }

        var encoded: [UInt8] { [UInt8(numbers.count)] + numbers.flatMap(\.bigEndianBytes) + bytes }
    }

    /// *Our choice*: of a file that is handed over, its beginning is sent: more than the metadata and the vocabulary of
    /// any model known to us.
    static let fileLimit = 32 << 20
    /// Descriptors that a seam hands over at once, at most.
    private static let line = SeamLimits(descriptors: 2)
    /// *Our choice*: bytes of a line that wait at an end, in each direction; then no more are taken.
    private static let waitingLimit = 4 << 20

    /// Moves what a socket says to a line, and back, until one of them ends; what was said before is told.
    /// - Parameters:
    ///   - name: the number of what is handed over.
    ///   - find: what waits under a number.
    static func carry(
        _ socket: Descriptor, over line: some TrunkLine,
        name: @escaping @Sendable (Descriptor) async throws -> UInt64,
        find: (UInt64) async throws -> Descriptor
    ) async throws {
        let (wire, said) = (try Wire(socket, limits: Self.line), Said(limit: Self.waitingLimit))
        try wire.start(()) { _, bytes, descriptors throws(SeamError) in
            guard descriptors.count <= Self.line.descriptors else { throw .malformed }
            said.add(bytes, descriptors, on: wire)
        } closed: {
            said.finish()
        }
        let telling = Task {
            defer { line.socketEnded() }
            for await (bytes, descriptors) in said.pieces {
                var numbers: [UInt64] = []
                for descriptor in descriptors { numbers.append(try await name(descriptor)) }
                try await line.send(Piece(bytes, numbers: numbers).encoded)
                said.remove(bytes.count, on: wire)
            }
        }
        let moved = await Result.of {
            while let part = try await line.next() {
                let piece = try Piece(decoding: part.bytes)
                var descriptors: [Descriptor] = []
                for number in piece.numbers { descriptors.append(try await find(number)) }
                // Where nobody reads any more, the rest is taken and dropped.
                try? wire.send(piece.bytes, descriptors)
                await wire.room(below: Self.waitingLimit)
            }
        }
        await wire.drain()
        wire.close()
        line.giveUp()
        _ = await telling.result
        try moved.get()
    }

    /// What a socket said and the line has not taken, bounded.
    private final class Said: Sendable {
        let pieces: AsyncStream<(bytes: [UInt8], descriptors: [Descriptor])>
        private let add: AsyncStream<(bytes: [UInt8], descriptors: [Descriptor])>.Continuation
        private let waiting = Mutex(0)
        private let limit: Int

        init(limit: Int) {
            self.limit = limit
            (pieces, add) = AsyncStream.makeStream()
        }

        func add(_ bytes: ArraySlice<UInt8>, _ descriptors: [Descriptor], on wire: Wire) {
            count(bytes.count, on: wire)
            add.yield((Array(bytes), descriptors))
        }

        func remove(_ bytes: Int, on wire: Wire) { count(-bytes, on: wire) }
        func finish() { add.finish() }

        private func count(_ change: Int, on wire: Wire) {
            waiting.withLock { waiting in
                waiting += change
                wire.pause(waiting > limit)
            }
        }
    }
}

extension Result where Success == Void, Failure == any Error {
    fileprivate static func of(_ body: () async throws -> Void) async -> Self {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}

/// A call of the stream, on either side.
protocol TrunkLine: Sendable {
    func send(_ bytes: [UInt8]) async throws(SeamError)
    func next() async throws(SeamError) -> Part?
    /// Everything was told that the socket here said, and nobody hears any more.
    func socketEnded()
    /// Nothing more is told: nobody hears it at the other end.
    func giveUp()
}

extension Call: TrunkLine {
    func socketEnded() { finish() }
    func giveUp() { cancel() }
}

extension ServedCall: TrunkLine {
    func send(_ bytes: [UInt8]) async throws(SeamError) { try await send(bytes, descriptors: []) }
    func socketEnded() { inbox.end() }
    func giveUp() { credit.end(.closed) }
}

extension SeamLimits {
    /// Of the stream: what is read of a socket at once, and the numbers beside it.
    static let trunk = SeamLimits(payload: 1 << 17)
}

extension UInt64 {
    /// Big-endian.
    public var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }

    /// Of big-endian bytes, at most 8.
    public init(bytes: some Sequence<UInt8>) { self = bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
