import Glibc
import Synchronization
import Testing

@testable import Seams

/// Both ends of a seam in one process.
struct SeamTests {
    private func seam(
        _ limits: SeamLimits = SeamLimits(), _ answer: @escaping @Sendable (ServedCall) async throws -> Void
    ) throws -> (SeamClient, SeamServer) {
        let (left, right) = try Descriptor.pair()
        return (try SeamClient(left, limits: limits), try SeamServer(right, limits: limits, answer: answer))
    }

    @Test func `an answer comes back`() async throws {
        let (client, server) = try seam { call in try await call.send([call.method] + call.payload) }
        for size in [0, 1, 70_000, 2 << 20 - 1] {
            let payload = [UInt8](repeating: 7, count: size)
            #expect(try await client.ask(3, payload).bytes == [3] + payload)
        }
        server.close()
    }

    @Test func `who is silent is not waited for beyond patience`() async throws {
        let (near, far) = try Descriptor.pair()
        let client = try SeamClient(near)
        await #expect(throws: SeamError.cancelled) { try await client.ask(1, patience: .milliseconds(50)) }
        // The call was given up, not the seam.
        let server = try SeamServer(far) { call in try await call.send(call.payload) }
        #expect(try await client.ask(2, [7], patience: .seconds(60)).bytes == [7])
        server.close()
    }

    @Test func `calls do not wait for one another`() async throws {
        let (client, server) = try seam { call in
            if call.method == 1 { for count in 0..<1_000 { try await call.send([UInt8(count % 256)]) } }
            try await call.send(call.payload)
        }
        let unread = try client.call(1)
        let answers = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for number in 0..<200 { group.addTask { try await client.ask(2, [UInt8(number)]).bytes } }
            return try await group.reduce(into: Set<UInt8>()) { $0.formUnion($1) }
        }
        #expect(answers.count == 200)
        unread.cancel()
        server.close()
    }

    @Test func `nobody gets ahead of a slow reader`() async throws {
        let sent = Atomic(0)
        let (client, server) = try seam(SeamLimits(window: 4)) { call in
            for count in 0..<500 {
                try await call.send([UInt8(count % 256)])
                sent.add(1, ordering: .relaxed)
            }
        }
        let call = try client.call(0)
        var read = 0
        while let part = try await call.next() {
            #expect(part.bytes == [UInt8(read % 256)])
            read += 1
            #expect(sent.load(ordering: .relaxed) <= read + 5)
        }
        #expect(read == 500)
        server.close()
    }

    @Test func `a request may have many parts`() async throws {
        let (client, server) = try seam { call in
            var sum = 0
            while let part = try await call.next() { sum += part.bytes.count }
            try await call.send(withUnsafeBytes(of: sum) { Array($0) })
        }
        let call = try client.call(0)
        for size in 0..<1_000 { try await call.send([UInt8](repeating: 0, count: size)) }
        call.finish()
        let answer = try await call.next()?.bytes
        #expect(answer == withUnsafeBytes(of: 499_500) { Array($0) })
        server.close()
    }

    @Test func `a failure is told in the protocol's words`() async throws {
        let (client, server) = try seam { call in
            try await call.send([1])
            throw SeamError.failed([9, 9])
        }
        let call = try client.call(0)
        #expect(try await call.next()?.bytes == [1])
        await #expect(throws: SeamError.failed([9, 9])) { try await call.next() }
        server.close()
    }

    @Test func `letting go stops the answer`() async throws {
        let (client, server) = try seam { call in
            do { while true { try await call.send([0]) } } catch { #expect(error as? SeamError == .cancelled) }
            stopped.withLock { $0 += 1 }
        }
        let before = stopped.withLock { $0 }
        do {
            let call = try client.call(0)
            _ = try await call.next()
        }
        let reading = Task { try await client.ask(0).bytes }
        _ = try await reading.value
        while stopped.withLock({ $0 }) < before + 2 { try await Task.sleep(for: .milliseconds(5)) }
        server.close()
    }

    @Test func `a reader that is cancelled is told`() async throws {
        let (client, server) = try seam { call in try await Task.sleep(for: .seconds(600)) }
        let reading = Task { try await client.ask(0) }
        try await Task.sleep(for: .milliseconds(20))
        reading.cancel()
        await #expect(throws: SeamError.cancelled) { try await reading.value }
        server.close()
    }

    @Test func `a dead peer ends every call`() async throws {
        let (client, server) = try seam { call in try await Task.sleep(for: .seconds(600)) }
        let (first, second) = (Task { try await client.ask(0) }, Task { try await client.ask(1) })
        try await Task.sleep(for: .milliseconds(20))
        server.close()
        await #expect(throws: SeamError.closed) { try await first.value }
        await #expect(throws: SeamError.closed) { try await second.value }
        #expect(throws: SeamError.closed) { try client.call(0) }
    }

    @Test func `descriptors travel, and are closed when nobody holds them`() async throws {
        var limits = SeamLimits()
        limits.descriptors = 2
        let (client, server) = try seam(limits) { call in
            var byte: UInt8 = 42
            for descriptor in call.descriptors { _ = write(descriptor.raw, &byte, 1) }
            try await call.send([], descriptors: Array(call.descriptors.prefix(1)))
        }
        let (near, far) = try Descriptor.pair()
        let back = try await client.ask(0, [1], descriptors: [far, far]).descriptors
        var read: [UInt8] = [0, 0]
        #expect(recv(near.raw, &read, 2, Int32(MSG_WAITALL)) == 2)
        #expect(read == [42, 42])
        #expect(back.count == 1 && back.allSatisfy { $0.raw != far.raw && fcntl($0.raw, F_GETFD) == FD_CLOEXEC })
        server.close()
    }

    @Test func `what is too large or too much is not sent`() async throws {
        let (client, server) = try seam(SeamLimits(payload: 10, calls: 2)) { call in
            try await Task.sleep(for: .seconds(600))
        }
        #expect(throws: SeamError.tooLarge) { try client.call(0, [UInt8](repeating: 0, count: 11)) }
        let (descriptor, _) = try Descriptor.pair()
        #expect(throws: SeamError.tooLarge) { try client.call(0, [], descriptors: [descriptor]) }
        let calls = [try client.call(0), try client.call(0)]
        #expect(throws: SeamError.tooLarge) { try client.call(0) }
        for call in calls { call.cancel() }
        server.close()
    }
}

/// How many answers noticed that nobody wants them.
private let stopped = Mutex(0)
