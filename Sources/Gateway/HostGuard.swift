import HTTPTypes
public import Hummingbird

/// Serves only requests that are meant for this server and come from its own page or from a program: exact `Host`,
/// exact `Origin`, no CORS.
///
/// A page of another site reaches loopback through the browser of a person who is here; its `Host` is its own name (DNS
/// rebinding, F13), or
/// its `Origin` is.
public struct HostGuard: RouterMiddleware {
    let hosts: Set<String>
    let origins: Set<String>

    /// Passes a request on or refuses it.
    public func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        guard let host = request.head.authority, hosts.contains(host) else {
            return refusal(.misdirectedRequest, "malformed", "This server does not go by that name.")
        }
        if let origin = request.headers[.origin], !origins.contains(origin) {
            return refusal(.forbidden, "denied", "Pages of other sites are not served.")
        }
        if let name = HTTPField.Name("Sec-Fetch-Site"), let site = request.headers[name], site != "same-origin",
            site != "none"
        {
            return refusal(.forbidden, "denied", "Pages of other sites are not served.")
        }
        return try await next(request, context)
    }
}

/// An error of the gateway as JSON; `docs/formats/channel.md` §5.
///
/// The texts are constants.
func refusal(_ status: HTTPResponse.Status, _ code: String, _ message: String) -> Response {
    Response(
        status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
        body: .init(byteBuffer: ByteBuffer(string: #"{"error":{"code":"\#(code)","message":"\#(message)"}}"#)))
}
