import HTTPTypes
public import Hummingbird

/// What every response tells a browser: load nothing from elsewhere, run nothing inline, keep nothing, be framed by
/// nobody.
public struct ResponseHeaders: RouterMiddleware {
    private static let headers: [(String, String)] = [
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
                + "trusted-types 'none'"
        ),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
        ("Cache-Control", "no-store"),
    ]

    /// Whether browsers are told to come back over TLS only, for a year (RFC 6797).
    var isStrict = false

    /// Adds the headers, to errors too.
    public func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as any HTTPResponseError {
            let message = error.status == .contentTooLarge ? "That is more than is accepted." : "There is nothing here."
            response = refusal(error.status, error.status == .notFound ? "notFound" : "malformed", message)
        }
        for (name, value) in Self.headers {
            if let name = HTTPField.Name(name) { response.headers[name] = value }
        }
        if isStrict { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        return response
    }
}
