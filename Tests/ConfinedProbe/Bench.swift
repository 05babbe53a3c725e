import Confinement
import Foundation

/// The work that roles do, with what it needs made before the lock.
struct Bench {
    let scratch: Scratch
    /// A mapped file's descriptor, and one that travels through a socket.
    private let model: Int32
    /// A file to be filled.
    private let partial: Int32
    private let pair: (Int32, Int32)
    private let connection: (server: Int32, client: Int32)
    private let tcpPort: UInt16
    private let isChild: Bool

    init(_ scratch: Scratch, tcpPort: UInt16, isChild: Bool) {
        self.scratch = scratch
        (self.tcpPort, self.isChild) = (tcpPort, isChild)
        model = open(scratch.model, O_RDONLY | O_CLOEXEC)
        partial = open(scratch.path + "/partial", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        pair = Sockets.pair()
        // A locked parent lets nobody connect, so its children speak HTTP over a pair.
        connection = isChild ? Sockets.pair() : Sockets.connection()
        Sockets.send(model, over: pair.0)
    }

    func work(_ role: Role) async -> [String: String] {
        var work = [
            "tasks": await said(tasks), "json": await said(json),
            "threads": await said(threads),
        ]
        if !isChild { work["backlog"] = await said(backlog) }
        work["received file"] = await said(receivedFile)
        work["socket pair"] = await said(socketPair)
        switch role {
        case .gateway:
            work["archive"] = await said { try await ArchiveWork.run(in: scratch.data) }
            work["http"] = await said { try await WebWork.serve(connection.server, client: connection.client) }
        case .endpoints:
            work["http"] = await said { try await WebWork.serve(connection.server, client: connection.client) }
        case .courier:
            work["dial"] = await said { try await WebWork.dial(tcpPort) }
            work["names"] = await said(names)
            work["download"] = await said(download)
        case .supervisor, .supervisorOfCourier: work["listen"] = await said(listening)
        case .cell, .engine, .relay: break
        }
        return work
    }

    private func said(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "ok"
        } catch { return "\(error)" }
    }

    /// More tasks than cores, that sleep and compute.
    private func tasks() async throws {
        let count = ProcessInfo.processInfo.activeProcessorCount * 8
        let sum = await withTaskGroup(of: Int.self) { group in
            for index in 0..<count {
                group.addTask {
                    try? await Task.sleep(for: .milliseconds(5))
                    return (0..<10_000).reduce(index) { ($0 &* 31 &+ $1) & 0xFFFF } >= 0 ? 1 : 0
                }
            }
            return await group.reduce(0, +)
        }
        try require(sum == count, "all tasks")
    }

    /// More blocks than threads, for so long that libdispatch looks after its threads meanwhile: once a second.
    private func backlog() async throws {
        let queue = DispatchQueue.global(), blocks = DispatchGroup()
        for _ in 0..<(ProcessInfo.processInfo.activeProcessorCount * 12) {
            queue.async(group: blocks) { usleep(200_000) }
        }
        await withCheckedContinuation { done in blocks.notify(queue: queue) { done.resume() } }
    }

    private func json() throws {
        struct Value: Codable, Equatable {
            let id: UUID, date: Date, text: String, numbers: [Double]
        }
        let value = Value(
            id: UUID(), date: Date(timeIntervalSince1970: 1_800_000_000), text: "ä€😀",
            numbers: (0..<1_000).map { _ in Double.random(in: 0..<1) })
        let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
        encoder.dateEncodingStrategy = .iso8601
        decoder.dateDecodingStrategy = .iso8601
        try require(try decoder.decode(Value.self, from: try encoder.encode(value)) == value, "the same JSON")
        try require("Größe 12".range(of: "[0-9]+", options: .regularExpression) != nil, "regular expressions")
    }

    private func threads() throws {
        let done = DispatchSemaphore(value: 0)
        for _ in 0..<8 { Thread.detachNewThread { done.signal() } }
        for _ in 0..<8 { done.wait() }
        var large = [UInt8](repeating: 1, count: 64 << 20)
        large[1 << 20] = 2
        try require(large.reduce(into: 0) { $0 += Int($1) } == (64 << 20) + 1, "memory")
    }

    private func receivedFile() throws {
        let file = Sockets.receive(over: pair.1)
        try require(file >= 0, "a descriptor")
        let bytes = mmap(nil, 1 << 20, PROT_READ, MAP_SHARED, file, 0)
        try require(bytes != MAP_FAILED, "a mapping")
        try require(bytes?.load(fromByteOffset: 4_096, as: UInt8.self) == 7, "the weights")
        munmap(bytes, 1 << 20)
        close(file)
    }

    private func socketPair() throws {
        var byte: UInt8 = 9
        try require(write(pair.0, &byte, 1) == 1, "writing")
        var ready = pollfd(fd: pair.1, events: Int16(POLLIN), revents: 0)
        try require(poll(&ready, 1, 1_000) == 1 && read(pair.1, &byte, 1) == 1 && byte == 9, "reading")
    }

    private func names() throws {
        var found: UnsafeMutablePointer<addrinfo>?
        try require(getaddrinfo("localhost", "1", nil, &found) == 0, "a name from /etc/hosts")
        freeaddrinfo(found)
        try require(!(try FileManager.default.contentsOfDirectory(atPath: "/etc/ssl").isEmpty), "trust roots")
    }

    private func download() throws {
        let weights = Array("weights".utf8)
        try require(pwrite(partial, weights, weights.count, 0) == weights.count, "filling")
        try require(ftruncate(partial, 3) == 0 && fsync(partial) == 0, "cutting and syncing")
        for path in [scratch.data + "/stray", scratch.path + "/partial"] {
            try require(open(path, O_WRONLY | O_CREAT, 0o600) < 0, "no other file is opened for writing")
        }
        try require(rename(scratch.path + "/partial", scratch.path + "/moved") < 0, "nothing is renamed")
    }

    private func listening() throws {
        let listener = Sockets.listener()
        try require(listener >= 0, "a listener")
        close(listener)
        let (one, other) = Sockets.pair()
        Sockets.send(model, over: one)
        try require(Sockets.receive(over: other) >= 0, "a descriptor")
    }
}

struct Unmet: Error, CustomStringConvertible { let description: String }

func require(_ condition: Bool, _ what: String) throws {
    if !condition { throw Unmet(description: "\(what): \(String(cString: strerror(errno)))") }
}
