import Channel
import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import cloister

/// The local socket, against a server that is in a hurry.
struct HTTPCarrierTests {
    /// Answers at the first bytes of a request and closes, whatever is still on its way.
    private final class Hasty: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nready"
            context.writeAndFlush(NIOAny(ByteBuffer(string: reply)), promise: nil)
            context.close(promise: nil)
        }
    }

    @Test(arguments: [0, 100, 1 << 20])
    func `an answer that comes before the request is all sent is read`(size: Int) async throws {
        let path = FileManager.default.temporaryDirectory.path + "/hasty-\(UInt32.random(in: 0...UInt32.max))"
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Hasty()) }
            }
            .bind(unixDomainSocketPath: path).get()
        for _ in 0..<50 {
            let reply = try await HTTPCarrier.local(path).open([UInt8](repeating: 1, count: size))
            #expect(String(decoding: reply, as: UTF8.self) == "ready")
        }
        try await server.close()
    }
}
