import NIOCore
import NIOHTTP1
import NIOPosix

/// The way to a running server on this machine: its local socket.
extension HTTPCarrier {
    /// - Parameter path: the socket in the data directory.
    static func local(_ path: String) -> HTTPCarrier {
        HTTPCarrier(host: "cloister") {
            do {
                return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(unixDomainSocketPath: path) { channel in
                        channel.eventLoop.makeCompletedFuture { try Exchange.connection(on: channel) }
                    }
            } catch {
                throw UserError(
                    "a server holds this data directory but does not answer on its socket; is it still starting?")
            }
        }
    }

    /// Asks the server for a snapshot of the archive; its name in the data directory.
    func snapshot() async throws -> String {
        String(decoding: try await whole(.POST, "/cloister/v1/snapshot", []), as: UTF8.self)
    }
}

extension Exchange {
    /// Makes a channel speak HTTP/1.1; on its event loop.
    static func connection(on channel: any Channel) throws -> Connection {
        try channel.pipeline.syncOperations.addHTTPClientHandlers()
        return try Connection(wrappingChannelSynchronously: channel)
    }
}
