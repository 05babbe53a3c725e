import Glibc
public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// One side of HTTP: answers on connections that somebody else accepted.
public struct Site: Sendable {
    private let answer: @Sendable (CInt) async -> Void

    /// A side with what every side has: safe headers, one reading of each request, exact names.
    /// - Parameters:
    ///   - hosts: the exact `Host` values that are served.
    ///   - origins: the exact origins whose pages may call.
    ///   - isElsewhere: whether a path that begins so is answered on another connection.
    ///   - routes: adds what is answered.
    public init(
        _ options: GatewayOptions, hosts: Set<String>, origins: Set<String>, logger: Logger,
        isElsewhere: @escaping @Sendable (String) -> Bool, routes: (Router<GatewayContext>) -> Void
    ) {
        let router = Self.router(options, hosts, origins, ResponseHeaders())
        router.add(middleware: Elsewhere(isElsewhere: isElsewhere))
        routes(router)
        answer = Self.answering(
            HTTP1Channel(responder: Self.responder(router, logger), configuration: options.http1), logger)
    }

    /// The same over TLS, for whoever comes from elsewhere.
    /// - Throws: an error of TLS for a certificate or key that cannot be used.
    init(
        _ secure: SecureOptions, _ options: GatewayOptions, logger: Logger, routes: (Router<GatewayContext>) -> Void
    ) throws {
        let router = Self.router(
            options, secure.hosts, secure.origins, ResponseHeaders(isStrict: secure.isStrict))
        routes(router)
        let http1 = HTTP1Channel(responder: Self.responder(router, logger), configuration: options.http1)
        answer = Self.answering(
            SecureChannel(
                context: try secure.context(), http1: http1, limits: SecureLimits(idleSeconds: options.idleSeconds)),
            logger)
    }

    /// Answers on one connection until it ends.
    /// - Parameter socket: a connected stream socket; it is taken over.
    public func serve(_ socket: CInt) async { await answer(socket) }

    private static func router(
        _ options: GatewayOptions, _ hosts: Set<String>, _ origins: Set<String>, _ headers: ResponseHeaders
    ) -> Router<GatewayContext> {
        let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: headers)
        router.add(middleware: Framing(bodyLimit: options.requestLimit))
        router.add(middleware: HostGuard(hosts: hosts, origins: origins))
        return router
    }

    private static func answering(_ channel: some ServerChildChannel, _ logger: Logger)
        -> @Sendable (CInt) async -> Void
    {
        { socket in
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.allowRemoteHalfClosure, value: true)
            // One that is gone already is nothing to be said of.
            guard
                let connection = try? await bootstrap.withConnectedSocket(
                    socket, channelInitializer: { channel.setup(channel: $0, logger: logger) })
            else { return }
            await channel.handle(value: connection, logger: logger)
        }
    }

    private static func responder(_ router: Router<GatewayContext>, _ logger: Logger) -> HTTP1Channel.Responder {
        let responder = router.buildResponder()
        return { request, writer, channel in
            let context = GatewayContext(source: .init(channel: channel, logger: logger))
            var response: Response
            do { response = try await responder.respond(to: request, context: context) } catch {
                if error is HTTPParserError { throw error }
                response = Response(status: .internalServerError)
            }
            response.headers[.date] = httpDate(time(nil))
            // A second response must not follow a broken first one.
            do { try await writer.write(response: response.head, body: response.body) } catch is HTTPParserError {
                throw Unfinished()
            }
        }
    }

    /// A response that could not be written to its end.
    private struct Unfinished: Error {}
}

/// A time as HTTP writes it (RFC 9110 §5.6.7).
private func httpDate(_ seconds: time_t) -> String {
    var (seconds, parts) = (seconds, tm())
    gmtime_r(&seconds, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    return String(decoding: text.prefix(count).map(UInt8.init), as: UTF8.self)
}
