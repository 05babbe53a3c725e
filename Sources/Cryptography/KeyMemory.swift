import CPlatform
import Synchronization

/// Where a process keeps its keys: a few pages that are never written to swap or a dump, and that the kernel, where it
/// can, lets nobody read but the process itself (`memfd_secret`).
///
/// It is the process's, like its heap. A process that will lock itself uses it once before that: a filter may deny
/// `memfd_secret` later, and pages that are added then are locked ones.
public final class KeyMemory: Sendable {
    /// What the kernel gave.
    public enum Standing: String, Codable, Sendable {
        /// It may be swapped; only the process's own settings keep it out of dumps.
        case ordinary
        /// Never swapped, left out of dumps, empty in a fork.
        case locked
        /// Out of reach even of the kernel's own readers: `/proc/PID/mem`, `ptrace`, a dump.
        case secret

        init(_ kind: cp_key_memory) {
            switch kind {
            case CP_KEYS_SECRET: self = .secret
            case CP_KEYS_LOCKED: self = .locked
            default: self = .ordinary
            }
        }
    }

    /// The process's own.
    public static let shared = KeyMemory()

    /// *Our choice*: 8,192 keys of 32 bytes, and far below the usual limit on locked memory (8 MiB).
    private static let slab = 256 << 10
    /// Bytes of the unit that is given out; most keys are one.
    private static let unit = 32

    /// Bytes that belong to one secret.
    struct Place: Sendable {
        fileprivate let address: UInt
        let count: Int

        var bytes: UnsafeRawBufferPointer { .init(start: UnsafeRawPointer(bitPattern: address), count: count) }
        fileprivate var memory: UnsafeMutableRawBufferPointer {
            .init(start: UnsafeMutableRawPointer(bitPattern: address), count: count)
        }
    }

    private struct Slab {
        let address: UInt
        let standing: Standing
        /// Per unit.
        var isUsed: [Bool]
        /// No unit before it is free.
        var next = 0

        init(holding count: Int) {
            let bytes = max(count + KeyMemory.slab - 1, 1) / KeyMemory.slab * KeyMemory.slab
            var kind = CP_KEYS_ORDINARY
            guard let memory = cp_key_memory(bytes, &kind) else { preconditionFailure("there is no memory left") }
            (address, standing) = (UInt(bitPattern: memory), Standing(kind))
            isUsed = Array(repeating: false, count: bytes / KeyMemory.unit)
        }

        /// Takes so many units in a row; nil if there are none.
        mutating func take(_ units: Int) -> UInt? {
            var first = next
            while first + units <= isUsed.count {
                guard let taken = isUsed[first..<first + units].lastIndex(of: true) else {
                    for index in first..<first + units { isUsed[index] = true }
                    if first == next || units == 1 { next = first + units }
                    return address + UInt(first * KeyMemory.unit)
                }
                first = taken + 1
            }
            if units == 1 { next = isUsed.count }
            return nil
        }
    }

    private let slabs = Mutex([Slab(holding: 1)])

    /// One beside the process's own, for tests.
    init() {}

    /// The least that holds for any key of this process.
    public var standing: Standing {
        let all = slabs.withLock { $0.map(\.standing) }
        return all.contains(.ordinary) ? .ordinary : all.contains(.locked) ? .locked : .secret
    }

    /// Copies bytes into a place of their own.
    func keep(_ bytes: UnsafeRawBufferPointer) -> Place {
        let units = max(1, (bytes.count + Self.unit - 1) / Self.unit)
        let address = slabs.withLock { slabs in
            for index in slabs.indices {
                if let address = slabs[index].take(units) { return address }
            }
            var slab = Slab(holding: units * Self.unit)
            let address = slab.take(units) ?? slab.address
            slabs.append(slab)
            return address
        }
        let place = Place(address: address, count: bytes.count)
        place.memory.copyMemory(from: bytes)
        return place
    }

    /// Zeroes a place and gives it back.
    func release(_ place: Place) {
        cp_erase(place.memory.baseAddress, place.count)
        let units = max(1, (place.count + Self.unit - 1) / Self.unit)
        slabs.withLock { slabs in
            let owner = slabs.firstIndex {
                place.address >= $0.address && place.address < $0.address + UInt($0.isUsed.count * Self.unit)
            }
            guard let owner else { return }
            let first = Int(place.address - slabs[owner].address) / Self.unit
            for index in first..<first + units { slabs[owner].isUsed[index] = false }
            slabs[owner].next = min(slabs[owner].next, first)
        }
    }
}
