import Archive
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

/// One HTTP request over a connection that somebody else accepted, and one connection dialled.
enum WebWork {
    static func serve(_ server: Int32, client: Int32) async throws {
        let http = HTTP1Channel(responder: { _, writer, _ in
            let response = Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "served")))
            try await response.body.write(try await writer.writeHead(response.head))
        })
        let logger = Logger(label: "probe")
        let served = Task {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
                .withConnectedSocket(server) { http.setup(channel: $0, logger: logger) }
            await http.handle(value: channel, logger: logger)
        }
        let request = Array("GET / HTTP/1.1\r\nhost: probe\r\n\r\n".utf8)
        try require(write(client, request, request.count) == request.count, "the request")
        var reply = [UInt8](), buffer = [UInt8](repeating: 0, count: 4_096)
        while !reply.ends(with: "served"), case let count = read(client, &buffer, buffer.count), count > 0 {
            reply += buffer[..<count]
        }
        close(client)
        try await served.value
        try require(reply.ends(with: "served"), "the reply")
    }

    static func dial(_ port: UInt16) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "localhost", port: Int(port)).get()
        try await channel.close()
    }
}

extension [UInt8] {
    fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}

/// What the gateway does to the disk.
enum ArchiveWork {
    static func run(in path: String) async throws {
        let archive = try Archive(in: DataDirectory(path: path))
        try require(!(try await archive.hasAccounts()), "an empty archive")
        let account = OpaqueID(repeating: 1, count: 16)
        try await archive.insert(
            AccountRow(id: account, revision: 1, record: Array(repeating: 3, count: 1 << 20)), lookup: [1, 2, 3])
        try require(try await archive.truncateLog(), "a checkpoint")
        _ = try await archive.snapshot()
        archive.close()
    }
}
