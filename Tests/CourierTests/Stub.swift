import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// A server on loopback that answers each request with the next script, whatever was asked.
final class Stub: Sendable {
    /// What is written, and how long to wait before it.
    struct Piece: Sendable {
        var wait = Duration.zero
        let bytes: [UInt8]
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let script: @Sendable (String) -> [Piece]
        private var request = ""

        init(_ script: @escaping @Sendable (String) -> [Piece]) { self.script = script }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            request += String(buffer: unwrapInboundIn(data))
            guard request.hasSuffix("\r\n\r\n") else { return }
            let (pieces, channel) = (script(request), context.channel)
            request = ""
            Task {
                for piece in pieces {
                    try await Task.sleep(for: piece.wait)
                    try await channel.writeAndFlush(ByteBuffer(bytes: piece.bytes))
                }
                try await channel.close()
            }
        }
    }

    private let channel: any Channel
    let port: Int

    /// - Parameter script: the answer to a request's head.
    init(tls: Bool = false, _ script: @escaping @Sendable (String) -> [Piece]) async throws {
        let certificate = try NIOSSLCertificate(bytes: Array(Self.certificate.utf8), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: Array(Self.key.utf8), format: .pem)
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(certificate)], privateKey: .privateKey(key)))
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }
                    try channel.pipeline.syncOperations.addHandler(Handler(script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func close() async { try? await channel.close() }

    /// An answer with a body of known length.
    static func answer(_ status: String = "200 OK", _ fields: [String] = [], _ body: [UInt8] = []) -> [Piece] {
        let head = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + fields + ["", ""]
        return [Piece(bytes: Array(head.joined(separator: "\r\n").utf8) + body)]
    }

    /// For models.example until 2125, signed by itself; made for these tests with Python's cryptography.
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBQDCB5qADAgECAgEBMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDm1vZGVscy5l
        eGFtcGxlMCAXDTI1MDEwMTAwMDAwMFoYDzIxMjUwMTAxMDAwMDAwWjAZMRcwFQYD
        VQQDDA5tb2RlbHMuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNoh
        p/eN4Yt+nkPS3COQNRpvye/vv8cqY2rZVljysBR8kfjTuJJsbHQ13xUtXVC2SLmc
        uBvDJLWc0yb9cVSxcZ+jHTAbMBkGA1UdEQQSMBCCDm1vZGVscy5leGFtcGxlMAoG
        CCqGSM49BAMCA0kAMEYCIQC4SD5steiaBBrh7g+6s0k81fux3QkDUejKBrUPXWu5
        5AIhAIMF97ShwrhGgnIRQSjqEFxK9+CzQvY40492FSklNv5M
        -----END CERTIFICATE-----
        """
    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFPBDF1lCJLbkp6nz
        00A//omA/7ABNpWmbMfLVq9rrXWhRANCAATaIaf3jeGLfp5D0twjkDUab8nv77/H
        KmNq2VZY8rAUfJH407iSbGx0Nd8VLV1Qtki5nLgbwyS1nNMm/XFUsXGf
        -----END PRIVATE KEY-----
        """
}
