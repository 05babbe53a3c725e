import CKernels
import Glibc

/// Zeroed memory straight from the system, taken page by page as it is touched; who puts something secret there wipes it.
final class Memory<Element: BitwiseCopyable>: @unchecked Sendable {
    let start: UnsafeMutablePointer<Element>
    let count: Int

    init(count: Int) throws(InferenceError) {
        let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !overflow else { throw .outOfMemory }
        let mapping = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let mapping, mapping != MAP_FAILED else { throw .outOfMemory }
        start = mapping.bindMemory(to: Element.self, capacity: max(count, 1))
        self.count = count
    }

    private var byteCount: Int { max(count, 1) * MemoryLayout<Element>.stride }

    /// Zeroes elements that were used.
    func wipe(_ used: Range<Int>) {
        ck_wipe(start + used.lowerBound, used.count * MemoryLayout<Element>.stride)
    }

    deinit { munmap(start, byteCount) }
}
