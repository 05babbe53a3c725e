import Channel
import Cryptography
import Foundation
import NIOHTTP1

/// Carries sealed bytes to a server over HTTP/1.1, one connection a request, however the connection is made.
struct HTTPCarrier: Carrier {
    private static let replyLimit = 1 << 20

    /// What the server is called in `Host`.
    let host: String
    /// Makes a connection.
    let dial: @Sendable () async throws -> Exchange.Connection

    func offer() async throws -> [UInt8] { try await whole(.GET, "/cloister/v1/node", []) }

    func open(_ body: [UInt8]) async throws -> [UInt8] { try await whole(.POST, "/cloister/v1/open", body) }

    func ask(_ route: Route, _ place: Place, _ body: [UInt8]) async throws -> PieceStream {
        let object = place.object == .none ? "" : "/" + place.object.hex
        let exchange = try await Exchange(
            on: try await dial(), host: host, .POST, "/cloister/v1/cell/\(place.action)\(object)",
            cookie: "cloister-route=\(route.hex)", body)
        guard exchange.status == .ok else { throw try await refusal(exchange) }
        return PieceStream { send in
            var events = EventReader()
            while let part = await exchange.body.next(), let pieces = events.pieces(adding: part) {
                for piece in pieces {
                    do { try await send(piece) } catch { return exchange.body.end() }
                }
            }
            exchange.body.end()
        }
    }

    /// One small question and its answer.
    /// - Throws: the server's `Refusal`; `truncated`, `malformed`; what `dial` throws.
    func whole(_ method: HTTPMethod, _ uri: String, _ body: [UInt8]) async throws -> [UInt8] {
        let exchange = try await Exchange(on: try await dial(), host: host, method, uri, cookie: nil, body)
        guard exchange.status == .ok else { throw try await refusal(exchange) }
        return try await exchange.collect(limit: Self.replyLimit)
    }

    private func refusal(_ exchange: Exchange) async throws -> any Error {
        let body = Data(try await exchange.collect(limit: Self.replyLimit))
        return (try? JSONDecoder().decode(RefusalEnvelope.self, from: body).error)
            ?? Refusal(.internal, "The server answered in a way that this version does not know.")
    }
}
