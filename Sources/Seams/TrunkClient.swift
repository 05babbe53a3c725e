import Glibc
import Synchronization

/// The near end of a trunk: the side that has processes started at the other end.
public final class TrunkClient: Sendable {
    private let stream: SeamClient
    private let last = Atomic<UInt64>(0)

    /// - Parameter closed: called once when the other end is gone.
    public init(_ socket: Descriptor, closed: @escaping @Sendable () -> Void) throws(SeamError) {
        stream = try SeamClient(socket, limits: .trunk, closed: closed)
    }

    /// Has a process started.
    /// - Parameters: the other ends of its seams.
    public func start(control: Descriptor, requests: Descriptor) throws(SeamError) {
        let number = newNumber()
        try carry(control, .start, number)
        try carry(requests, .take, number)
    }

    /// Ends the stream, and every line of it.
    public func close() { stream.close() }

    private func newNumber() -> UInt64 { last.add(1, ordering: .relaxed).newValue }

    private func carry(_ socket: Descriptor, _ method: Trunk.Method, _ number: UInt64) throws(SeamError) {
        let call = try stream.call(method.rawValue, number.bigEndianBytes)
        Task {
            try await Trunk.carry(socket, over: call) {
                try await self.name($0)
            } find: { _ in
                throw SeamError.malformed
            }
        }
    }

    /// Gives what is handed over a number at the other end.
    private func name(_ descriptor: Descriptor) async throws -> UInt64 {
        let number = newNumber()
        var status = stat()
        if fstat(descriptor.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            try await send(descriptor, count: Int(status.st_size), number)
        } else {
            try carry(descriptor, .socket, number)
        }
        return number
    }

    private func send(_ file: Descriptor, count: Int, _ number: UInt64) async throws {
        let call = try stream.call(
            Trunk.Method.file.rawValue, number.bigEndianBytes + UInt64(max(count, 0)).bigEndianBytes)
        var (offset, buffer) = (0, [UInt8](repeating: 0, count: 1 << 16))
        while offset < Trunk.fileLimit {
            // Not `read`: where others have come to in this file is theirs.
            let got = pread(file.raw, &buffer, buffer.count, offset)
            guard got > 0 else { break }
            try await call.send(Array(buffer[..<got]))
            offset += got
        }
        call.finish()
        while try await call.next() != nil {}
    }
}
