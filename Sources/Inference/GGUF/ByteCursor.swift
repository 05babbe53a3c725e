/// Reads little-endian values from a mapped file; every read is checked against its end, with arithmetic that reports
/// overflow.
struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var remaining: Int { bytes.count - offset }

    mutating func integer<I: FixedWidthInteger>(_: I.Type) throws(InferenceError) -> I {
        I(littleEndian: try load(I.self))
    }

    mutating func float() throws(InferenceError) -> Float { Float(bitPattern: try integer(UInt32.self)) }

    /// A count that must be possible: each element takes at least `least` bytes of what is left.
    mutating func count(ofAtLeast least: Int) throws(InferenceError) -> Int {
        guard let count = Int(exactly: try integer(UInt64.self)) else { throw .truncated }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: least)
        guard !overflow, bytes <= remaining else { throw .truncated }
        return count
    }

    mutating func slice(_ count: Int) throws(InferenceError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else { throw .truncated }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// The bytes of a string behind their 64-bit length.
    mutating func stringBytes() throws(InferenceError) -> UnsafeRawBufferPointer {
        try slice(try count(ofAtLeast: 1))
    }

    mutating func string() throws(InferenceError) -> String { String(decoding: try stringBytes(), as: UTF8.self) }

    private mutating func load<T>(_: T.Type) throws(InferenceError) -> T {
        guard MemoryLayout<T>.size <= remaining else { throw .truncated }
        defer { offset += MemoryLayout<T>.size }
        return bytes.loadUnaligned(fromByteOffset: offset, as: T.self)
    }
}
