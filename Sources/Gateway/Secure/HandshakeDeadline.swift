import NIOCore
import NIOTLS

/// Closes a connection whose TLS handshake does not come to its end in time.
final class HandshakeDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let delay: TimeAmount
    private var scheduled: Scheduled<Void>?

    init(after delay: TimeAmount) { self.delay = delay }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        scheduled = context.eventLoop.scheduleTask(in: delay) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { scheduled?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard case TLSUserEvent.handshakeCompleted = event else { return }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
