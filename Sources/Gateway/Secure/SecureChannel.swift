import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2
import NIOSSL
import NIOTLS

/// One connection over TLS, HTTP/2 or HTTP/1.1 as the client asks; it does not know who accepted it.
struct SecureChannel: ServerChildChannel {
    typealias Requests = HTTP1Channel.Value
    typealias Streams = NIOHTTP2Handler.AsyncStreamMultiplexer<Requests>

    /// A connection whose protocol is being agreed on.
    struct Value: ServerChildChannelValue {
        let agreed: EventLoopFuture<NIONegotiatedHTTPVersion<Requests, Streams>>
        let channel: any Channel
    }

    let context: NIOSSLContext
    let http1: HTTP1Channel
    let limits: SecureLimits

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(NIOSSLServerHandler(context: context))
            try pipeline.addHandler(HandshakeDeadline(after: limits.handshake))
            let agreement = NIOTypedApplicationProtocolNegotiationHandler<NIONegotiatedHTTPVersion<Requests, Streams>> {
                result in
                agree(on: result, channel, logger)
            }
            try pipeline.addHandler(agreement)
            return Value(agreed: agreement.protocolNegotiationResult, channel: channel)
        }
    }

    func handle(value: Value, logger: Logger) async {
        // A client that does not finish the handshake leaves nothing to answer.
        guard let agreed = try? await value.agreed.get() else { return }
        switch agreed {
        case .http1_1(let requests): await http1.handle(value: requests, logger: logger)
        case .http2(let streams): await handle(streams, logger)
        }
    }

    private func handle(_ streams: Streams, _ logger: Logger) async {
        // The connection's error is the client's doing; its streams have ended with it.
        try? await withThrowingDiscardingTaskGroup { group in
            for try await requests in streams.inbound {
                group.addTask { await http1.handle(value: requests, logger: logger) }
            }
        }
    }

    private func agree(on result: ALPNResult, _ channel: any Channel, _ logger: Logger)
        -> EventLoopFuture<NIONegotiatedHTTPVersion<Requests, Streams>>
    {
        guard result == .negotiated("h2") else {
            return http1.setup(channel: channel, logger: logger).map { .http1_1($0) }
        }
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let streams = try pipeline.configureAsyncHTTP2Pipeline(
                mode: .server, connectionManagerConfiguration: limits.connection,
                http2HandlerConfiguration: limits.frames
            ) { stream in
                stream.eventLoop.makeCompletedFuture { try requests(on: stream, logger) }
            }
            try pipeline.addHandler(FaultEnd())
            return .http2(streams)
        }
    }

    private func requests(on stream: any Channel, _ logger: Logger) throws -> Requests {
        let pipeline = stream.pipeline.syncOperations
        try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
        try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: limits.idle, logger: logger))
        return try Requests(
            wrappingChannelSynchronously: stream, configuration: .init(isOutboundHalfClosureEnabled: true))
    }
}
