import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The routes of `docs/formats/channel.md`: bytes in, bytes out.
struct ChannelRoutes: Sendable {
    private static let cookie = "cloister-route"

    let door: any CellDoor
    let options: GatewayOptions
    let limiter: OpeningLimiter
    /// Whether browsers may send the cookie over TLS only.
    let isSecure: Bool
    /// For requests; an opening is small.
    let bodies: BodyBudget

    init(door: any CellDoor, options: GatewayOptions, limiter: OpeningLimiter, isSecure: Bool = false) {
        (self.door, self.options, self.limiter, self.isSecure) = (door, options, limiter, isSecure)
        bodies = BodyBudget(bytes: isSecure ? options.secureBodies : .max, largest: options.requestLimit)
    }

    func add(to router: Router<GatewayContext>) {
        router.get("cloister/v1/node") { _, _ in
            try await answer {
                Response(
                    status: .ok, headers: [.contentType: Self.bytes],
                    body: .init(byteBuffer: ByteBuffer(bytes: try await door.offer())))
            }
        }
        router.post("cloister/v1/open") { request, context in try await open(request, context) }
        router.post("cloister/v1/cell/:action") { request, context in try await ask(request, context) }
        router.post("cloister/v1/cell/:action/:object") { request, context in try await ask(request, context) }
    }

    private static let bytes = "application/octet-stream"

    private func open(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard await limiter.admit(context.client) else {
            return refusal(.tooManyRequests, "tooManyAttempts", "Too many attempts. Try again in a minute.")
        }
        let body = try await collected(request, limit: options.openingLimit)
        return try await answer {
            let (reply, route) = try await door.open(body)
            return Response(
                status: .ok,
                headers: [
                    .contentType: Self.bytes,
                    .setCookie: "\(Self.cookie)=\(route); HttpOnly; SameSite=Strict; Path=/cloister"
                        + (isSecure ? "; Secure" : ""),
                ], body: .init(byteBuffer: ByteBuffer(bytes: reply)))
        }
    }

    private func ask(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let route = request.cookies[Self.cookie]?.value, let action = context.parameters.get("action") else {
            return refusal(.unauthorized, "locked", "This session is locked. Unlock it again.")
        }
        return try await answer {
            // Who has no session sends no body.
            try await door.check(route: route)
            return try await bodies.holding(request) {
                var request = request
                let body = try await request.collectBody(upTo: options.requestLimit)
                let (object, source) = (context.parameters.get("object"), request.body)
                let next = try await door.ask(
                    route: route, action: action, object: object, body: Array(body.readableBytesView))
                return Response(
                    status: .ok, headers: [.contentType: "text/event-stream"], body: Self.events(next, until: source))
            }
        }
    }

    /// One server-sent event per piece.
    ///
    /// A browser that goes away ends the reading, which ends the answer.
    private static func events(_ next: @escaping @Sendable () async -> [UInt8]?, until source: RequestBody)
        -> ResponseBody
    {
        ResponseBody { writer in
            var output = writer
            try await source.consumeWithCancellationOnInboundClose { _ in
                while let piece = await next() {
                    try await output.write(ByteBuffer(string: "data: \(base64url(piece))\n\n"))
                }
            }
            try await output.finish(nil)
        }
    }

    private func collected(_ request: Request, limit: Int) async throws -> [UInt8] {
        var request = request
        return Array(try await request.collectBody(upTo: limit).readableBytesView)
    }

    private func answer(_ body: () async throws -> Response) async throws -> Response {
        do { return try await body() } catch let door as DoorRefusal {
            return refusal(HTTPResponse.Status(code: door.status), door.code, door.message)
        }
    }
}

/// base64url without padding (RFC 4648 §5).
func base64url(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}
