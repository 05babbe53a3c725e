public import Hummingbird
import NIOCore

/// A request's context: who connects.
public struct GatewayContext: RequestContext {
    /// Hummingbird's own part.
    public var coreContext: CoreRequestContextStorage
    /// The client's address, or `local` on the local socket.
    public let client: String

    /// From the connection.
    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        client = source.channel.remoteAddress?.ipAddress ?? "local"
    }
}
