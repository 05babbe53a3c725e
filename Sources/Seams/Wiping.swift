import Glibc

/// Zeroing what a buffer carried, so that it does not stay there until something longer passes.
extension [UInt8] {
    /// Zeroes some of the bytes.
    mutating func wipe(_ range: some RangeExpression<Int>) {
        let range = range.relative(to: self)
        withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            explicit_bzero(start + range.lowerBound, range.count)
        }
    }

    /// Drops the first bytes and moves the others to the front; what they leave behind is zeroed.
    mutating func shift(by dropped: Int) {
        let rest = count - dropped
        withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            memmove(start, start + dropped, rest)
        }
        wipe(rest...)
        removeLast(dropped)
    }
}
