import HTTPTypes
import Hummingbird

/// Refuses what is answered on another connection: a connection belongs to one process for its life, and its first
/// request chose which.
struct Elsewhere: RouterMiddleware {
    /// By the first part of a path.
    let isElsewhere: @Sendable (String) -> Bool

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let first = request.uri.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().first
        guard let first, isElsewhere(String(first)) else { return try await next(request, context) }
        // RFC 9110 §15.5.20: the client may ask again on a new connection.
        var response = refusal(.misdirectedRequest, "elsewhere", "Ask for this on a connection of its own.")
        response.headers[.connection] = "close"
        return response
    }
}
