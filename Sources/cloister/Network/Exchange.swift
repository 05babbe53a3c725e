import Channel
import NIOCore
import NIOHTTP1

/// One HTTP/1.1 exchange on a connection of its own: the head has arrived, the body is read on.
///
/// Nobody is asked twice: a redirection is an answer like any other.
struct Exchange: Sendable {
    /// A connection to a server, ready for one request.
    typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    let status: HTTPResponseStatus
    /// The body as it comes; the reader slows the sender.
    ///
    /// It ends early if the connection does.
    let body: PieceStream
    private let isWhole: Latch

    /// - Throws: `truncated` if no answer came.
    init(
        on connection: Connection, host: String, _ method: HTTPMethod, _ uri: String, cookie: String?, _ bytes: [UInt8]
    ) async throws {
        var headers = HTTPHeaders([("Host", host), ("Content-Length", String(bytes.count)), ("Connection", "close")])
        if let cookie { headers.add(name: "Cookie", value: cookie) }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers)
        let (heads, arrived) = AsyncStream<HTTPResponseStatus>.makeStream(bufferingPolicy: .bufferingOldest(1))
        let isWhole = Latch()
        body = PieceStream { send in
            defer { arrived.finish() }
            try? await connection.executeThenClose { inbound, outbound in
                // A server that has read enough answers and closes, at times before the last of this is written: its
                // answer is read all the same.
                try? await outbound.write(
                    contentsOf: [.head(head), .body(.byteBuffer(ByteBuffer(bytes: bytes))), .end(nil)])
                for try await part in inbound {
                    switch part {
                    case .head(let head): arrived.yield(head.status)
                    case .body(let buffer): try await send(Array(buffer.readableBytesView))
                    case .end: return isWhole.raise()
                    }
                }
            }
        }
        self.isWhole = isWhole
        guard let status = await heads.first(where: { _ in true }) else { throw ChannelError.truncated }
        self.status = status
    }

    /// The whole body.
    /// - Parameter limit: bytes; a longer one is `malformed`.
    /// - Throws: `truncated` if it was cut off.
    func collect(limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = await body.next() {
            bytes += part
            guard bytes.count <= limit else {
                body.end()
                throw ChannelError.malformed
            }
        }
        guard isWhole.isRaised else { throw ChannelError.truncated }
        return bytes
    }
}
