import NIOCore
import NIOHTTP2

/// What one connection from the network may cost.
struct SecureLimits: Sendable {
    /// Time for the TLS handshake.
    let handshake = TimeAmount.seconds(10)
    /// Time without a byte after which a request, or a connection without one, is closed.
    let idle: Duration

    init(idleSeconds: Int64) { idle = .seconds(idleSeconds) }

    /// A peer that is gone is noticed by its missing pong.
    var connection: NIOHTTP2ServerConnectionManagementHandler.Configuration {
        .init(
            maxIdleTime: .seconds(idle.components.seconds), maxAge: nil, maxGraceTime: .seconds(10),
            keepalive: .init(pingInterval: .seconds(30), ackTimeout: .seconds(20)))
    }

    /// Our choices, below what the library allows.
    ///
    /// A browser has one connection for all of its tabs: 16 answers at once are many. What all bodies may be together is
    /// `BodyBudget`'s. Header blocks are at most 16 KiB, in at most 4 further frames; more resets, faults or control
    /// frames than these end the connection (CVE-2023-44487, CVE-2024-27316, CVE-2019-9515).
    var frames: NIOHTTP2Handler.Configuration {
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 16),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 16 * 1_024),
        ]
        configuration.connection.maximumSequentialContinuationFrames = 4
        configuration.connection.maximumBufferedControlFrames = 200
        configuration.connection.maximumConnectionGlitches = 100
        configuration.connection.controlFrameRateLimit.maximumCount = 100
        configuration.stream.streamResetFrameRateLimit.maximumCount = 100
        configuration.stream.streamErrorRateLimit.maximumCount = 50
        return configuration
    }
}
