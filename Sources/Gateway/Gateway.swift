public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle

/// The HTTP side: serves the page, moves sealed bytes, and refuses what is not meant for it.
public enum Gateway {
    /// The services to run: one on loopback, and one on the local socket.
    /// - Parameters:
    ///   - snapshot: writes a snapshot of the archive into the data directory and returns its name; only the local socket
    ///     asks for it.
    ///   - extend: adds the routes of the compatibility door to the TCP side.
    ///   - whenListening: called when the port is open.
    public static func services(
        _ options: GatewayOptions, door: any CellDoor, logger: Logger,
        snapshot: @escaping @Sendable () async throws -> String,
        extend: (Router<GatewayContext>) -> Void, whenListening: @escaping @Sendable () async -> Void
    ) -> [any Service] {
        let limiter = OpeningLimiter(perMinute: options.openingsPerMinute)
        let channel = ChannelRoutes(door: door, options: options, limiter: limiter)

        let router = Router(context: GatewayContext.self)
        router.add(middleware: ResponseHeaders())
        router.add(middleware: Framing(bodyLimit: options.requestLimit))
        router.add(middleware: HostGuard(hosts: options.hosts, origins: options.origins))
        AssetRoutes.add(to: router)
        channel.add(to: router)
        extend(router)
        let tcp = application(
            router, .hostname("127.0.0.1", port: options.port), options, logger, whenListening: whenListening)

        guard let path = options.socketPath else { return [tcp] }
        let local = Router(context: GatewayContext.self)
        local.add(middleware: ResponseHeaders())
        local.add(middleware: Framing(bodyLimit: options.requestLimit))
        local.add(middleware: HostGuard(hosts: ["cloister"], origins: []))
        channel.add(to: local)
        SnapshotRoute.add(to: local, snapshot)
        return [tcp, application(local, .unixDomainSocket(path: path), options, logger) {}]
    }

    private static func application(
        _ router: Router<GatewayContext>, _ address: BindAddress, _ options: GatewayOptions, _ logger: Logger,
        whenListening: @escaping @Sendable () async -> Void
    ) -> some Service {
        Application(
            router: router,
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(options.idleSeconds),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 8 * 1_024, maxHeaderListSize: 32 * 1_024, maxHeaderFieldCount: 100))),
            configuration: .init(
                address: address, serverName: nil, reuseAddress: true,
                availableConnectionsDelegate: MaximumAvailableConnections(options.connections)),
            onServerRunning: { _ in await whenListening() }, logger: logger)
    }
}
