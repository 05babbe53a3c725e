import AsyncAlgorithms

/// The sealed pieces of one reply as they are made.
///
/// The producer waits until each piece is taken, so back-pressure reaches from the socket to the sampler. Letting go of
/// the stream
/// cancels the producer.
public final class PieceStream: AsyncSequence, Sendable {
    /// One sealed piece.
    public typealias Element = [UInt8]
    /// The end without a final piece tells of an error; a stream itself does not fail.
    public typealias Failure = Never

    private let channel: AsyncChannel<[UInt8]>
    private let producer: Task<Void, Never>

    /// Starts producing.
    /// - Parameter produce: hands over pieces with `send`, which returns early once nobody listens.
    public init(
        _ produce: @escaping @Sendable (_ send: @escaping @Sendable ([UInt8]) async throws -> Void) async -> Void
    ) {
        let channel = AsyncChannel<[UInt8]>()
        self.channel = channel
        producer = Task {
            await produce { piece in
                try Task.checkCancellation()
                await channel.send(piece)
                try Task.checkCancellation()
            }
            channel.finish()
        }
    }

    deinit { end() }

    /// Ends it from outside: its reader gets no further piece, and its producer is cancelled.
    public func end() {
        producer.cancel()
        channel.finish()
    }

    /// The next piece; nil at the end.
    ///
    /// One reader at a time.
    public func next() async -> [UInt8]? {
        var iterator = channel.makeAsyncIterator()
        return await iterator.next()
    }

    /// Reads the pieces; once.
    public func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

    /// Reads one stream, and keeps it alive meanwhile.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let stream: PieceStream

        /// The next piece; nil at the end.
        public mutating func next() async -> [UInt8]? { await stream.next() }
    }
}
