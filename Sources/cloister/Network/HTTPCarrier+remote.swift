import Certificates
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOTLS

/// The way to a Cloister on another machine: TLS, or plainly to this one. It reads no proxy's settings.
extension HTTPCarrier {
    private static let patience = TimeAmount.seconds(10)

    /// - Parameter authority: the only one to be trusted; nil: those of this system.
    /// - Throws: `UserError` if TLS cannot be set up here.
    static func remote(_ address: RemoteAddress, trusting authority: TrustedAuthority?) throws -> HTTPCarrier {
        let context = try clientContext()
        return HTTPCarrier(host: address.authority) {
            do {
                let (channel, secured) = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connectTimeout(patience)
                    .connect(host: address.name.description, port: address.port) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            (channel, try secure(channel, address, context, authority))
                        }
                    }
                try await secured.get()
                return try await channel.eventLoop.submit { try Exchange.connection(on: channel) }.get()
            } catch { throw said(error, address) }
        }
    }

    /// - Returns: what comes true when bytes may be sent.
    private static func secure(
        _ channel: any Channel, _ address: RemoteAddress, _ context: NIOSSLContext, _ authority: TrustedAuthority?
    ) throws -> EventLoopFuture<Void> {
        guard address.isSecure else { return channel.eventLoop.makeSucceededVoidFuture() }
        let secured = channel.eventLoop.makePromise(of: Void.self)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(try handler(context, address.name, authority))
        try pipeline.addHandler(Secured(within: patience, promise: secured))
        return secured.futureResult
    }

    private static func clientContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw UserError("TLS could not be set up on this machine")
        }
    }

    private static func handler(_ context: NIOSSLContext, _ name: ServerName, _ authority: TrustedAuthority?) throws
        -> NIOSSLClientHandler
    {
        // An address does not stand in SNI (RFC 6066 §3); without a name the socket's address is checked.
        let host: String? = if case .name(let host) = name { host } else { nil }
        guard let authority else { return try NIOSSLClientHandler(context: context, serverHostname: host) }
        return try NIOSSLClientHandler(context: context, serverHostname: host) { chain, verdict in
            verdict.completeWithTask {
                let bytes = try chain.map { try $0.toDERBytes() }
                return await authority.accepts(bytes, for: name) ? .certificateVerified : .failed
            }
        }
    }

    private static func said(_ error: any Error, _ address: RemoteAddress) -> UserError {
        switch error {
        case let error as UserError: error
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            UserError(
                "\(address.place) shows a certificate that nobody trusted here vouches for, or one of another name. "
                    + "For a local authority give --ca with its file or fingerprint. Nothing was sent.")
        default: UserError("\(address.place) cannot be reached; is it running, and is nothing in between?")
        }
    }
}

/// Says when a connection is secured, or that it is not.
private final class Secured: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let patience: TimeAmount
    private let promise: EventLoopPromise<Void>
    private var deadline: Scheduled<Void>?

    init(within patience: TimeAmount, promise: EventLoopPromise<Void>) {
        (self.patience, self.promise) = (patience, promise)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            deadline?.cancel()
            promise.succeed()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.fireErrorCaught(error)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        promise.fail(ChannelError.eof)
    }
}
