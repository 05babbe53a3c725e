import Channel
import Cryptography
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Carries sealed bytes over the local socket of a running server: HTTP/1.1, one connection a request.
struct SocketCarrier: Carrier {
    private static let replyLimit = 1 << 20

    let path: String

    func offer() async throws -> [UInt8] { try await whole(.GET, "/cloister/v1/node", []) }

    func open(_ body: [UInt8]) async throws -> [UInt8] { try await whole(.POST, "/cloister/v1/open", body) }

    /// Asks the server for a snapshot of the archive; its name in the data directory.
    func snapshot() async throws -> String {
        String(decoding: try await whole(.POST, "/cloister/v1/snapshot", []), as: UTF8.self)
    }

    func ask(_ route: Route, _ place: Place, _ body: [UInt8]) async throws -> PieceStream {
        let object = place.object == .none ? "" : "/" + place.object.hex
        let exchange = try await Exchange(
            path: path, .POST, "/cloister/v1/cell/\(place.action)\(object)", cookie: "cloister-route=\(route.hex)", body
        )
        guard exchange.status == .ok else { throw try await refusal(exchange) }
        return PieceStream { send in
            var events = EventReader()
            while let part = try? await exchange.next() {
                for piece in events.pieces(adding: part) {
                    do { try await send(piece) } catch { return await exchange.close() }
                }
            }
            await exchange.close()
        }
    }

    private func whole(_ method: HTTPMethod, _ uri: String, _ body: [UInt8]) async throws -> [UInt8] {
        let exchange = try await Exchange(path: path, method, uri, cookie: nil, body)
        guard exchange.status == .ok else { throw try await refusal(exchange) }
        return try await collect(exchange)
    }

    private func collect(_ exchange: Exchange) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = try await exchange.next() {
            bytes += part
            guard bytes.count <= Self.replyLimit else { throw ChannelError.malformed }
        }
        await exchange.close()
        return bytes
    }

    private func refusal(_ exchange: Exchange) async throws -> any Error {
        let body = Data(try await collect(exchange))
        return (try? JSONDecoder().decode(RefusalEnvelope.self, from: body).error)
            ?? Refusal(.internal, "The server answered in a way that this version does not know.")
    }
}

/// One HTTP exchange over a Unix socket: the head has arrived, the body is read on.
private final class Exchange: Sendable {
    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    let status: HTTPResponseStatus
    private let parts: AsyncThrowingStream<[UInt8], any Error>
    private let task: Task<Void, Never>

    init(path: String, _ method: HTTPMethod, _ uri: String, cookie: String?, _ body: [UInt8]) async throws {
        let connection: Connection
        do {
            connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw UserError(
                "a server holds this data directory but does not answer on its socket; is it still starting?")
        }
        let (parts, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        let (heads, headContinuation) = AsyncStream<HTTPResponseStatus>.makeStream()
        var headers = HTTPHeaders([
            ("Host", "cloister"), ("Content-Length", String(body.count)), ("Connection", "close"),
        ])
        if let cookie { headers.add(name: "Cookie", value: cookie) }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers)
        task = Task {
            do {
                try await connection.executeThenClose { inbound, outbound in
                    // A server that has read enough answers and closes, at times before the last of this is written:
                    // its answer is read all the same.
                    try? await outbound.write(
                        contentsOf: [.head(head), .body(.byteBuffer(ByteBuffer(bytes: body))), .end(nil)])
                    reading: for try await part in inbound {
                        switch part {
                        case .head(let head): headContinuation.yield(head.status)
                        case .body(let buffer): continuation.yield(Array(buffer.readableBytesView))
                        case .end: break reading
                        }
                    }
                }
                continuation.finish()
            } catch { continuation.finish(throwing: error) }
            headContinuation.finish()
        }
        self.parts = parts
        guard let status = await heads.first(where: { _ in true }) else { throw ChannelError.truncated }
        self.status = status
    }

    func next() async throws -> [UInt8]? {
        var iterator = parts.makeAsyncIterator()
        return try await iterator.next()
    }

    func close() async {
        task.cancel()
        await task.value
    }
}

/// Finds the pieces in a stream of server-sent events, however it is cut.
struct EventReader {
    private var line: [UInt8] = []

    mutating func pieces(adding bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("data: "), let piece = Base64URL.decode(String(text.dropFirst(6))) {
                pieces.append(piece)
            }
            line = []
        }
        return pieces
    }
}
