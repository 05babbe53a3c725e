import Glibc
import Synchronization

/// One stream that carries seams to another machine or over a socket that knows no descriptors: each socket of ours
/// becomes a line, and what is handed over on a line becomes a line of its own; `docs/formats/seams.md` §14.
///
/// It reads nothing of what it carries. What a seam may send ahead of its reader is bounded by that seam's credits.
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
            numbers = (0..<count).map { UInt64(bigEndian: encoded[(1 + 8 * $0)...].prefix(8)) }
            bytes = Array(encoded[(1 + 8 * count)...])
        }

        var encoded: [UInt8] { [UInt8(numbers.count)] + numbers.flatMap(\.bigEndianBytes) + bytes }
    }

    /// Descriptors that a seam hands over at once, at most.
    private static let line = SeamLimits(descriptors: 2)

    /// Moves what a socket says to a line, and back, until one of them ends.
    /// - Parameters:
    ///   - name: the number of what is handed over.
    ///   - find: what waits under a number.
    static func carry(
        _ socket: Descriptor, over line: some TrunkLine,
        name: @escaping @Sendable (Descriptor) async throws -> UInt64,
        find: (UInt64) async throws -> Descriptor
    ) async throws {
        let (said, say) = AsyncStream<(bytes: [UInt8], descriptors: [Descriptor])>.makeStream()
        let wire = try Wire(socket, limits: Self.line)
        try wire.start(()) { _, bytes, descriptors in
            say.yield((Array(bytes), descriptors))
        } closed: {
            say.finish()
        }
        let telling = Task {
            defer { line.socketEnded() }
            for await (bytes, descriptors) in said {
                var numbers: [UInt64] = []
                for descriptor in descriptors { numbers.append(try await name(descriptor)) }
                try await line.send(Piece(bytes, numbers: numbers).encoded)
            }
        }
        defer {
            telling.cancel()
            wire.close()
        }
        while let part = try await line.next() {
            let piece = try Piece(decoding: part.bytes)
            var descriptors: [Descriptor] = []
            for number in piece.numbers { descriptors.append(try await find(number)) }
            try wire.send(piece.bytes, descriptors)
        }
        await wire.drain()
    }
}

/// A call of the stream, on either side.
protocol TrunkLine: Sendable {
    func send(_ bytes: [UInt8]) async throws(SeamError)
    func next() async throws(SeamError) -> Part?
    /// There is nothing more to be told, and nobody to tell.
    func socketEnded()
}

extension Call: TrunkLine {
    func socketEnded() { finish() }
}

extension ServedCall: TrunkLine {
    func send(_ bytes: [UInt8]) async throws(SeamError) { try await send(bytes, descriptors: []) }
    func socketEnded() { stop(.closed) }
}

extension SeamLimits {
    /// Of the stream: what is read of a socket at once, and the numbers beside it.
    static let trunk = SeamLimits(payload: 1 << 17)
}

extension UInt64 {
    /// Big-endian.
    var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }

    init(bigEndian bytes: some Sequence<UInt8>) { self = bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
