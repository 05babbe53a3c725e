/// A list of byte strings as one payload: number (2 bytes), then for each its length (4 bytes) and itself, big-endian.
public struct Fields: Sendable, Equatable {
    private static let limit = 4_096
    private var values: [[UInt8]]
    private var position = 0

    /// Fields to be sent.
    public init(_ values: [UInt8]...) { self.values = values }

    /// Reads what was sent.
    /// - Throws: `malformed` unless the bytes are exactly one list of at most 4,096 fields.
    public init(decoding bytes: [UInt8]) throws(SeamError) {
        guard bytes.count >= 2 else { throw .malformed }
        let count = Int(bytes[0]) << 8 | Int(bytes[1])
        guard count <= Self.limit else { throw .malformed }
        var offset = 2
        values = []
        for _ in 0..<count {
            guard bytes.count - offset >= 4 else { throw .malformed }
            let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            offset += 4
            guard bytes.count - offset >= length else { throw .malformed }
            values.append(Array(bytes[offset..<offset + length]))
            offset += length
        }
        guard offset == bytes.count else { throw .malformed }
    }

    /// The list as it travels.
    public func encoded() -> [UInt8] {
        var bytes = Self.integer(UInt16(clamping: values.count))
        for value in values { bytes += Self.integer(UInt32(clamping: value.count)) + value }
        return bytes
    }

    /// Adds a field.
    public mutating func append(_ value: [UInt8]) { values.append(value) }

    /// The next field.
    /// - Throws: `malformed` if there is none.
    public mutating func bytes() throws(SeamError) -> [UInt8] {
        guard position < values.count else { throw .malformed }
        defer { position += 1 }
        return values[position]
    }

    /// The next field, as an integer in its full width.
    /// - Throws: `malformed` if it has another.
    public mutating func integer<I: FixedWidthInteger & UnsignedInteger>(_: I.Type) throws(SeamError) -> I {
        let field = try bytes()
        guard field.count == MemoryLayout<I>.size else { throw .malformed }
        return field.reduce(I.zero) { $0 << 8 | I($1) }
    }

    /// Whether every field was read.
    public var isRead: Bool { position == values.count }

    /// An integer as a field.
    public static func integer(_ value: some FixedWidthInteger & UnsignedInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
