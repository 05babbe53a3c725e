import Foundation
import Glibc

/// How fast this machine reads memory: the limit of making tokens one at a time, since each reads every weight once.
enum ReadTest {
    /// *Our choice*: far larger than any cache.
    private static let byteCount = 512 << 20
    private static let rounds = 25

    /// Bytes a second that so many threads read together, the best of some rounds; nil if there is no memory for it.
    static func run(threads: Int) -> Double? {
        let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { return nil }
        defer { munmap(memory, byteCount) }
        madvise(memory, byteCount, MADV_HUGEPAGE)
        memset(memory, 1, byteCount)
        nonisolated(unsafe) let bytes = UnsafeRawPointer(memory)
        let share = byteCount / threads
        let seconds = (0..<rounds).map { _ in
            ContinuousClock().measure {
                DispatchQueue.concurrentPerform(iterations: threads) { index in
                    // The C library's search for a byte that is not there reads as fast as this processor can.
                    precondition(memchr(bytes + index * share, 2, share) == nil)
                }
            } / .seconds(1)
        }
        return Double(share * threads) / (seconds.min() ?? .infinity)
    }
}
