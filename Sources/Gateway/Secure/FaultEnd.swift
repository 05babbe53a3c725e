import NIOCore

/// Closes a connection of HTTP/2 at its first fault.
///
/// The library says goodbye (GOAWAY) and goes on reading what a peer sends that broke the rules; a flood would be read
/// for as long as it lasts.
final class FaultEnd: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
        context.fireErrorCaught(error)
    }
}
