import CPlatform
import Glibc
import Seams
import Synchronization

/// Starts the processes of cells for a server elsewhere, and the relay that carries their seams.
struct HostOfCells: Sendable {
    let range: SelfTestRange

    /// Serves one server until the connection ends, and with it the cells that were started for it.
    /// - Throws: `UserError` if the machine lets no process start.
    func serve(_ trunk: Descriptor) async throws {
        let lives = Mutex<[Life]>([])
        let (gone, end) = AsyncStream<Void>.makeStream()
        let relay = try Child(.relay, range: range) { [range] call in
            switch RelayRequest(rawValue: call.method) {
            case .process:
                let cell = try Begun(.cell, range, asks: true)
                if let process = cell.process { lives.withLock { $0.append(Life(of: process) {}) } }
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
        // Without its seams a cell ends by itself; one that stands still does not.
        for life in lives.withLock({ $0 }) { await life.end() }
    }

    private static func file(count: [UInt8]) throws -> Descriptor {
        let length = off_t(exactly: count.reduce(0) { $0 << 8 | UInt64($1) }) ?? -1
        let file = cp_memory_file(length)
        guard file >= 0 else { throw SeamError.malformed }
        return Descriptor(file)
    }
}
