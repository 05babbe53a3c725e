import CPlatform
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Seams

/// A seam whose other end is at the far end of a trunk.
struct TrunkTests {
    /// Makes its own sockets, and answers every process's orders itself.
    private final class Supplies: TrunkSupplies {
        private let answer: @Sendable (ServedCall) async throws -> Void
        private let servers = Mutex<[SeamServer]>([])

        init(answer: @escaping @Sendable (ServedCall) async throws -> Void) { self.answer = answer }

        func process() async throws -> (Descriptor, Descriptor) {
            let ((control, orders), (requests, asking)) = (try Descriptor.pair(), try Descriptor.pair())
            let asks = try SeamClient(asking)
            let serve: @Sendable (ServedCall) async throws -> Void = { [answer] call in
                if call.method == 9 { return try await call.send(try await asks.ask(1, call.payload).bytes) }
                try await answer(call)
            }
            let server = try SeamServer(orders, limits: SeamLimits(descriptors: 2), answer: serve)
            servers.withLock { $0.append(server) }
            return (control, requests)
        }

        func pair() async throws -> (Descriptor, Descriptor) { try Descriptor.pair() }

        func file(count: UInt64) async throws -> Descriptor { Descriptor(cp_memory_file(Int(count))) }
    }

    private func far(
        answer: @escaping @Sendable (ServedCall) async throws -> Void = { call in try await call.send(call.payload) }
    ) throws -> (near: TrunkClient, far: TrunkServer, control: SeamClient, requests: SeamServer) {
        let (left, right) = try Descriptor.pair()
        let server = try TrunkServer(right, Supplies(answer: answer)) {}
        let client = try TrunkClient(left) {}
        let ((control, farControl), (requests, farRequests)) = (try Descriptor.pair(), try Descriptor.pair())
        try client.start(control: farControl, requests: farRequests)
        return (
            client, server, try SeamClient(control, limits: SeamLimits(descriptors: 2)),
            try SeamServer(requests) { call in try await call.send([0] + call.payload) }
        )
    }

    @Test func `orders, answers and requests cross it, small and large`() async throws {
        let ends = try far()
        for count in [0, 1, 70_000, 2 << 20 - 1] {
            let payload = [UInt8](repeating: 7, count: count)
            #expect(try await ends.control.ask(3, payload).bytes == payload)
        }
        #expect(try await ends.control.ask(9, [4]).bytes == [0, 4])
    }

    @Test func `a socket that is handed over is a line of its own`() async throws {
        let ends = try far { call in
            let seam = try SeamClient(call.descriptors[0])
            try await call.send(try await seam.ask(1, call.payload).bytes)
        }
        let answers = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for number in 0..<20 {
                group.addTask {
                    let (near, far) = try Descriptor.pair()
                    let server = try SeamServer(near) { call in try await call.send(call.payload + [UInt8(number)]) }
                    defer { server.close() }
                    return try await ends.control.ask(2, [9], descriptors: [far]).bytes
                }
            }
            return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
        }
        #expect(answers == Set((0..<20).map { [9, UInt8($0)] }))
    }

    @Test func `of a file the beginning arrives, and its length`() async throws {
        let ends = try far { call in
            let file = call.descriptors[0].raw
            var (status, bytes) = (stat(), [UInt8](repeating: 0, count: 8))
            guard fstat(file, &status) == 0, pread(file, &bytes, 8, 100_000) == 8 else { throw SeamError.malformed }
            try await call.send(bytes + [UInt8(status.st_size >> 20)])
        }
        let file = Descriptor(cp_memory_file(50 << 20))
        let mark: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        #expect(pwrite(file.raw, mark, mark.count, 100_000) == mark.count)
        let said = try await ends.control.ask(1, descriptors: [file]).bytes
        #expect(said == mark + [50])
    }

    @Test(arguments: [true, false]) func `the end of either side ends every line`(_ isNear: Bool) async throws {
        let ends = try far { call in while try await call.next() != nil {} }
        let call = try ends.control.call(1)
        if isNear { ends.near.close() } else { ends.far.close() }
        await #expect(throws: SeamError.closed) { _ = try await call.next() }
    }

    /// A process that says its last words and ends.
    private struct LastWords: TrunkSupplies {
        let bytes: Int

        func process() async throws -> (Descriptor, Descriptor) {
            let (control, mine) = try Descriptor.pair()
            Thread.detachNewThread { [bytes] in
                for _ in 0..<20 { _ = write(mine.raw, [UInt8](repeating: 7, count: bytes / 20), bytes / 20) }
            }
            return (control, try Descriptor.pair().0)
        }

        func pair() async throws -> (Descriptor, Descriptor) { try Descriptor.pair() }
        func file(count: UInt64) async throws -> Descriptor { throw SeamError.malformed }
    }

    @Test(arguments: [400, 200_000, 20_000_000]) func `last words arrive whole`(_ count: Int) async throws {
        for _ in 0..<(count > 1_000_000 ? 2 : 30) {
            let (left, right) = try Descriptor.pair()
            let server = try TrunkServer(right, LastWords(bytes: count)) {}
            let client = try TrunkClient(left) {}
            let ((near, far), (_, asked)) = (try Descriptor.pair(), try Descriptor.pair())
            try client.start(control: far, requests: asked)
            let read = await Task.detached {
                var (total, buffer) = (0, [UInt8](repeating: 0, count: 1 << 16))
                while case let got = Glibc.read(near.raw, &buffer, buffer.count), got > 0 { total += got }
                return total
            }.value
            #expect(read == count)
            server.close()
        }
    }

    @Test(arguments: [[], [1], [2, 0, 0, 0, 0, 0, 0, 0, 1], [255]])
    func `a piece that names more than it has is refused`(_ bytes: [UInt8]) {
        #expect(throws: SeamError.malformed) { try Trunk.Piece(decoding: bytes) }
    }
}
