import Glibc
import Testing

@testable import Seams

/// What a peer may send, byte by byte.
struct FrameTests {
    private static let limits = SeamLimits(payload: 100, window: 2)

    @Test(arguments: [1, 2, 3, 7, 11, 12, 13, 64, 1_000])
    func `frames are found however the stream is cut`(step: Int) throws {
        let frames = (0..<20).map { number in
            Frame(
                kind: .item, call: UInt32(number), method: UInt8(number),
                payload: [UInt8](repeating: UInt8(number), count: number * 5))
        }
        var (reader, found) = (FrameReader(payloadLimit: 100, descriptorLimit: 0), [Frame]())
        let bytes = frames.flatMap { $0.encoded() }
        for start in stride(from: 0, to: bytes.count, by: step) {
            reader.append(bytes[start..<min(start + step, bytes.count)])
            while let frame = try reader.next() { found.append(frame) }
        }
        #expect(found == frames)
    }

    @Test func `what was taken out of a stream is zeroed, also where the rest lay before it moved`() throws {
        var reader = FrameReader(payloadLimit: 100, descriptorLimit: 0)
        let frame = Frame(kind: .item, call: 1, payload: [UInt8](repeating: 7, count: 50)).encoded()
        reader.append(frame + frame.prefix(20))
        _ = try reader.next()
        #expect(!reader.buffer[..<frame.count].contains { $0 != 0 })
        reader.append([UInt8]())
        #expect(reader.buffer == Array(frame.prefix(20)))
        let behind = reader.buffer.withUnsafeBufferPointer { bytes in
            (20..<frame.count + 20).map { bytes.baseAddress?[$0] }
        }
        #expect(!behind.contains { $0 != 0 })
    }

    @Test func `a header is judged before its payload is there`() {
        let good = Frame(kind: .call, call: 1, payload: [UInt8](repeating: 0, count: 100)).encoded()
        for (index, value) in [(0, 1), (3, 101), (8, 0), (8, 7), (10, 1), (11, 2)] as [(Int, UInt8)] {
            var bytes = good
            bytes[index] = value
            var reader = FrameReader(payloadLimit: 100, descriptorLimit: 0)
            reader.append(bytes.prefix(Frame.headerCount))
            #expect(throws: SeamError.malformed, "byte \(index) = \(value)") { try reader.next() }
        }
    }

    /// What a client may not do to a server: each list of frames ends with the server hanging up.
    private static let forClients: [[Frame]] = [
        [Frame(kind: .item, call: 1)], [Frame(kind: .call, call: 0)], [Frame(kind: .failure, call: 1)],
        [Frame(kind: .call, call: 5), Frame(kind: .call, call: 5)],
        [Frame(kind: .call, call: 5), Frame(kind: .call, call: 4)],
        [Frame(kind: .call, call: 1), .credit(1, call: 1)], [Frame(kind: .call, call: 1), .credit(0, call: 1)],
        [Frame(kind: .call, call: 1), Frame(kind: .credit, call: 1, payload: [1])],
        [Frame(kind: .call, call: 1)] + [Frame](repeating: Frame(kind: .item, call: 1), count: 3),
        [Frame(kind: .call, call: 1), Frame(kind: .item, call: 2)],
        (1...1_025).map { Frame(kind: .call, call: $0) },
    ]

    @Test(arguments: forClients.indices)
    func `a server hangs up on a client that breaks the rules`(index: Int) throws {
        let (near, far) = try Descriptor.pair()
        let server = try SeamServer(far, limits: Self.limits) { _ in try await Task.sleep(for: .seconds(600)) }
        #expect(hangsUp(near, after: Self.forClients[index]))
        server.close()
    }

    /// What a server may not do to a client that has made the call 1.
    private static let forServers: [[Frame]] = [
        [Frame(kind: .item, call: 2)], [Frame(kind: .end, call: 0)], [Frame(kind: .call, call: 1)],
        [Frame(kind: .cancel, call: 1)], [.credit(1, call: 1)],
        [Frame](repeating: Frame(kind: .item, call: 1), count: 3),
    ]

    @Test(arguments: forServers.indices)
    func `a client hangs up on a server that breaks the rules`(index: Int) throws {
        let (near, far) = try Descriptor.pair()
        let client = try SeamClient(far, limits: Self.limits)
        let call = try client.call(1)
        #expect(hangsUp(near, after: Self.forServers[index]))
        call.cancel()
    }

    @Test func `what is not a frame ends the seam`() throws {
        let (near, far) = try Descriptor.pair()
        let server = try SeamServer(far, limits: Self.limits) { _ in }
        var noise = (0..<64).map { UInt8($0 * 37 % 251) }
        #expect(write(near.raw, &noise, noise.count) == noise.count)
        #expect(hangsUp(near, after: []))
        server.close()
    }

    /// Whether the other end closes within two seconds; what it says before is read.
    private func hangsUp(_ descriptor: Descriptor, after frames: [Frame]) -> Bool {
        let bytes = frames.flatMap { $0.encoded() }
        _ = bytes.withUnsafeBytes { send(descriptor.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            var polled = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, 2_000) > 0 else { return false }
            if read(descriptor.raw, &buffer, buffer.count) <= 0 { return true }
        }
    }
}
