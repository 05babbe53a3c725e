import Glibc

/// What the far end of a trunk needs from who may make processes, sockets and files.
public protocol TrunkSupplies: Sendable {
    /// A new process's control seam and its requests seam.
    func process() async throws -> (Descriptor, Descriptor)
    /// Both ends of a socket.
    func pair() async throws -> (Descriptor, Descriptor)
    /// A file of so many zero bytes, in memory.
    func file(count: UInt64) async throws -> Descriptor
}

/// The far end of a trunk: the side where the processes are.
public final class TrunkServer: Sendable {
    private let stream: SeamServer

    /// - Parameter closed: called once when the other end is gone.
    public init(
        _ socket: Descriptor, _ supplies: some TrunkSupplies, closed: @escaping @Sendable () -> Void
    ) throws(SeamError) {
        let waiting = Waiting()
        stream = try SeamServer(socket, limits: .trunk, closed: closed) { call in
            guard let method = Trunk.Method(rawValue: call.method), call.payload.count >= 8 else {
                throw SeamError.malformed
            }
            let number = UInt64(bytes: call.payload.prefix(8))
            let socket: Descriptor
            switch method {
            case .start:
                let seams = try await waiting.leave(under: number) { try await supplies.process() }
                socket = seams.0
            case .take: socket = try await waiting.take(number)
            case .socket:
                let ends = try await waiting.leave(under: number) { try await supplies.pair() }
                socket = ends.0
            case .file:
                let count = UInt64(bytes: call.payload.dropFirst(8).prefix(8))
                return try await waiting.leave(under: number) {
                    let file = try await supplies.file(count: count)
                    var room = min(count, UInt64(Trunk.fileLimit))
                    while let part = try await call.next() {
                        guard part.bytes.count <= room else { throw SeamError.malformed }
                        try file.fill(part.bytes)
                        room -= UInt64(part.bytes.count)
                    }
                    return ((), file)
                }.0
            }
            try await Trunk.carry(socket, over: call) { _ in
                throw SeamError.malformed
            } find: {
                try await waiting.take($0)
            }
        }
    }

    /// Ends the stream, and every line of it.
    public func close() { stream.close() }
}

/// What was made under a number and is not yet taken.
private actor Waiting {
    private var there: [UInt64: Descriptor?] = [:]
    private var used: Set<UInt64> = []
    private var takers: [UInt64: CheckedContinuation<Descriptor?, Never>] = [:]

    /// Leaves the second of what is made; who waits for something that cannot be made learns it.
    func leave<First: Sendable>(
        under number: UInt64, _ make: @Sendable () async throws -> (First, Descriptor)
    ) async throws -> (First, Descriptor) {
        guard used.insert(number).inserted else { throw SeamError.malformed }
        do {
            let made = try await make()
            put(made.1, number)
            return made
        } catch {
            put(nil, number)
            throw error
        }
    }

    private func put(_ descriptor: Descriptor?, _ number: UInt64) {
        if let taker = takers.removeValue(forKey: number) {
            taker.resume(returning: descriptor)
        } else {
            there[number] = .some(descriptor)
        }
    }

    /// - Throws: `closed` if it could not be made, `malformed` if somebody waits for it already.
    func take(_ number: UInt64) async throws(SeamError) -> Descriptor {
        guard takers[number] == nil else { throw .malformed }
        let found: Descriptor?
        if let left = there.removeValue(forKey: number) {
            found = left
        } else {
            found = await withCheckedContinuation { takers[number] = $0 }
        }
        guard let found else { throw .closed }
        return found
    }
}

extension Descriptor {
    fileprivate func fill(_ bytes: [UInt8]) throws(SeamError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(raw, $0.baseAddress, $0.count) }
            guard count > 0 else { throw .closed }
            rest = rest.dropFirst(count)
        }
    }
}
