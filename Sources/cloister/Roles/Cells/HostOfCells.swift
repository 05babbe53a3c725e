import CPlatform
import Glibc
import Seams
import Synchronization

/// Starts the processes of cells for servers elsewhere, and the relays that carry their seams.
final class HostOfCells: Sendable {
    /// *Our choice*: servers at once.
    private static let limit = 16
    private let range: SelfTestRange
    private let served = Atomic(0)

    init(range: SelfTestRange) { self.range = range }

    /// Serves one server until the connection ends, and with it the cells that were started for it.
    /// - Throws: `UserError` if the machine lets no process start, or too many servers are here.
    func serve(_ trunk: Descriptor) async throws {
        defer { served.subtract(1, ordering: .relaxed) }
        guard served.add(1, ordering: .relaxed).newValue <= Self.limit else {
            throw UserError("\(Self.limit) servers use this host already; another was turned away")
        }
        let lives = Lives()
        let (gone, end) = AsyncStream<Void>.makeStream()
        let relay = try Child(.relay, range: range) { [range] call in
            switch RelayRequest(rawValue: call.method) {
            case .process:
                let cell = try Begun(.cell, range, asks: true)
                cell.process.map(lives.watch)
                try await call.send([], descriptors: [cell.control, cell.requests].compactMap { $0 })
            case .pair:
                let (near, far) = try Descriptor.pair()
                try await call.send([], descriptors: [near, far])
            case .file: try await call.send([], descriptors: [try Self.file(count: call.payload)])
            case nil: throw SeamError.malformed
            }
        } ended: {
            end.finish()
        }
        let order = try relay.control.call(RelayOrder.far.rawValue, descriptors: [trunk])
        order.finish()
        for await _ in gone {}
        extendLifetime(relay)
        // Without its seams a cell ends by itself; one that stands still does not.
        await lives.end()
    }

    private static func file(count: [UInt8]) throws -> Descriptor {
        let length = off_t(exactly: UInt64(bytes: count)) ?? -1
        let file = cp_memory_file(length)
        guard file >= 0 else { throw SeamError.malformed }
        return Descriptor(file)
    }
}

/// The processes that were started and have not ended.
private final class Lives: Sendable {
    private let running = Mutex<[pid_t: Life]>([:])

    func watch(_ process: pid_t) {
        running.withLock { running in
            running[process] = Life(of: process) { [weak self] in
                self?.running.withLock { _ = $0.removeValue(forKey: process) }
            }
        }
    }

    func end() async { for life in running.withLock({ $0.values.map(\.self) }) { await life.end() } }
}
