import Hummingbird
public import Logging

/// The HTTP side: serves the page, moves sealed bytes, and refuses what is not meant for it.
public enum Gateway {
    /// What browsers reach: the page and the channel.
    /// - Parameter others: what paths begin with that another process answers.
    public static func page(
        _ options: GatewayOptions, _ limiter: OpeningLimiter, _ door: any CellDoor, _ logger: Logger,
        others: Set<String>
    ) -> Site {
        Site(options, hosts: options.hosts, origins: options.origins, logger: logger, isElsewhere: others.contains) {
            router in
            AssetRoutes.add(to: router)
            ChannelRoutes(door: door, options: options, limiter: limiter).add(to: router)
        }
    }

    /// What browsers and sealing clients reach over TLS: the same as the page, and never what programs are offered.
    /// - Throws: an error of TLS for a certificate or key that cannot be used.
    public static func secure(
        _ secure: SecureOptions, _ options: GatewayOptions, _ limiter: OpeningLimiter, _ door: any CellDoor,
        _ logger: Logger
    ) throws -> Site {
        try Site(secure, options, logger: logger) { router in
            AssetRoutes.add(to: router)
            ChannelRoutes(door: door, options: options, limiter: limiter, isSecure: true).add(to: router)
        }
    }

    /// What the command line reaches over the local socket: the channel, and snapshots.
    /// - Parameter snapshot: writes a snapshot beside the archive and returns its name.
    public static func local(
        _ options: GatewayOptions, _ limiter: OpeningLimiter, _ door: any CellDoor, _ logger: Logger,
        snapshot: @escaping @Sendable () async throws -> String
    ) -> Site {
        Site(options, hosts: ["cloister"], origins: [], logger: logger, isElsewhere: { _ in false }) { router in
            ChannelRoutes(door: door, options: options, limiter: limiter).add(to: router)
            SnapshotRoute.add(to: router, snapshot)
        }
    }
}
