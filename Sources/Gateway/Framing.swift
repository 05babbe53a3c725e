import HTTPTypes
import Hummingbird
import NIOHTTP1

/// Refuses a request whose beginning or end another reader of the same bytes could see elsewhere, and closes the
/// connection: one `Host`, a path as target, and no transfer coding but `chunked`.
///
/// A chunked body is read whole before anything is answered, so that one that is broken gets one answer and not two.
struct Framing: RouterMiddleware {
    let bodyLimit: Int

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        // A first `Host` became the authority; another one is still among the fields. Hummingbird answers a parser's
        // error with 400 and closes.
        guard !request.headers.contains(where: { $0.name.canonicalName == "host" }) else {
            throw HTTPParserError.invalidHeaderToken
        }
        guard request.head.path?.hasPrefix("/") == true else { throw HTTPParserError.invalidURL }
        let codings = request.headers[values: .transferEncoding]
        guard !codings.isEmpty else { return try await next(request, context) }
        guard codings.count == 1, codings[0].lowercased() == "chunked" else { throw HTTPParserError.invalidHeaderToken }
        var whole = request
        _ = try await whole.collectBody(upTo: bodyLimit)
        return try await next(whole, context)
    }
}
