/// Writes the big-endian byte tables of `docs/formats`.
public struct ByteWriter: Sendable {
    /// What was written so far.
    public private(set) var output: [UInt8] = []

    /// An empty writer.
    public init() {}

    /// One byte.
    public mutating func byte(_ value: UInt8) { output.append(value) }

    /// An integer, big-endian, in its full width.
    public mutating func integer(_ value: some FixedWidthInteger & UnsignedInteger) {
        withUnsafeBytes(of: value.bigEndian) { output.append(contentsOf: $0) }
    }

    /// Bytes as they are.
    public mutating func bytes(_ value: [UInt8]) { output.append(contentsOf: value) }

    /// A 2-byte length and the bytes, at most 65,535.
    public mutating func prefixed16(_ value: [UInt8]) {
        precondition(value.count <= Int(UInt16.max), "our own formats keep these fields short")
        integer(UInt16(value.count))
        bytes(value)
    }
}

/// Reads the big-endian byte tables of `docs/formats`; every read is checked against the end.
public struct ByteReader: Sendable {
    private let input: [UInt8]
    private var offset = 0

    /// A reader at the start of `input`.
    public init(_ input: [UInt8]) { self.input = input }

    /// Bytes not yet read.
    public var remaining: Int { input.count - offset }

    /// How many bytes were read.
    public var position: Int { offset }

    /// One byte.
    public mutating func byte() throws(CryptographyError) -> UInt8 {
        guard remaining >= 1 else { throw .malformed }
        defer { offset += 1 }
        return input[offset]
    }

    /// Exactly `count` bytes.
    public mutating func bytes(_ count: Int) throws(CryptographyError) -> [UInt8] {
        guard count >= 0, remaining >= count else { throw .malformed }
        defer { offset += count }
        return Array(input[offset..<offset + count])
    }

    /// A big-endian integer in its full width.
    public mutating func integer<I: FixedWidthInteger & UnsignedInteger>(_ type: I.Type) throws(CryptographyError) -> I
    {
        try bytes(MemoryLayout<I>.size).reduce(I.zero) { ($0 << 8) | I($1) }
    }

    /// Bytes behind a 2-byte length.
    public mutating func prefixed16() throws(CryptographyError) -> [UInt8] {
        try bytes(Int(try integer(UInt16.self)))
    }

    /// Everything that is left.
    public mutating func rest() -> [UInt8] {
        defer { offset = input.count }
        return Array(input[offset...])
    }

    /// Refuses trailing bytes.
    public func end() throws(CryptographyError) {
        guard remaining == 0 else { throw .malformed }
    }
}

/// An unsigned integer as big-endian bytes.
public func bigEndian(_ value: some FixedWidthInteger & UnsignedInteger) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}
