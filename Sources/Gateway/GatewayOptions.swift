import HummingbirdCore
import NIOCore

/// What the gateway is called and how much it takes.
public struct GatewayOptions: Sendable {
    /// TCP port on loopback.
    public var port: Int
    /// Largest opening, bytes.
    public var openingLimit = 8 * 1_024
    /// Largest request, bytes.
    public var requestLimit = 1 << 20
    /// Bytes of all bodies that are on their way over TLS at once.
    ///
    /// *Our choice*: 32 of the largest, where 128 connections of 16 requests each could bring 2 GiB, half of what the
    /// gateway may have.
    public var secureBodies = 32 << 20
    /// Seconds after which an idle connection is closed.
    public var idleSeconds: Int64 = 60
    /// Openings of one address in a minute.
    public var openingsPerMinute = 30

    /// Options with the documented defaults.
    public init(port: Int) { self.port = port }

    /// What a connection of HTTP/1.1 may cost.
    var http1: HTTP1Channel.Configuration {
        .init(
            idleTimeout: .seconds(idleSeconds),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 8 * 1_024, maxHeaderListSize: 32 * 1_024, maxHeaderFieldCount: 100))
    }

    /// The exact `Host` values that are served; anything else is a page of somebody else's name (R1).
    public var hosts: Set<String> { ["localhost:\(port)", "127.0.0.1:\(port)"] }
    /// The exact origins that may call.
    public var origins: Set<String> { Set(hosts.map { "http://\($0)" }) }
}
