import Foundation
import Synchronization

/// How fast this machine reads memory: the limit of making tokens one at a time, since each reads every weight once.
enum ReadTest {
    /// *Our choice*: far larger than any cache.
    private static let byteCount = 512 << 20
    private static let rounds = 5

    /// Bytes a second that so many threads read together, the best of some rounds; nil if there is no memory for it.
    static func run(threads: Int) -> Double? {
        guard let memory = calloc(byteCount, 1) else { return nil }
        defer { free(memory) }
        memset(memory, 1, byteCount)
        let words = UnsafeRawBufferPointer(start: memory, count: byteCount)
        let seconds = (0..<rounds).map { _ in
            ContinuousClock().measure { read(words, threads) } / .seconds(1)
        }
        return Double(byteCount) / (seconds.min() ?? .infinity)
    }

    private static func read(_ bytes: UnsafeRawBufferPointer, _ threads: Int) {
        let total = Mutex<UInt64>(0)
        let share = bytes.count / threads & ~4_095
        nonisolated(unsafe) let bytes = bytes
        DispatchQueue.concurrentPerform(iterations: threads) { index in
            let sum = Self.sum(UnsafeRawBufferPointer(rebasing: bytes[(index * share)..<((index + 1) * share)]))
            // Somebody wants the sum, so it is made.
            total.withLock { $0 &+= sum }
        }
        precondition(total.withLock { $0 } != 0)
    }

    private static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var sums = (SIMD8<UInt64>(), SIMD8<UInt64>(), SIMD8<UInt64>(), SIMD8<UInt64>())
        let lines = bytes.bindMemory(to: SIMD8<UInt64>.self)
        var index = 0
        while index + 4 <= lines.count {
            sums.0 &+= lines[index]
            sums.1 &+= lines[index + 1]
            sums.2 &+= lines[index + 2]
            sums.3 &+= lines[index + 3]
            index += 4
        }
        return (sums.0 &+ sums.1 &+ sums.2 &+ sums.3).wrappedSum()
    }
}
