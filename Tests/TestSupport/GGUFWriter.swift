/// Writes a GGUF file (version 3) in memory, field by field, so that a test can make any file it needs, a wrong one too.
public struct GGUFWriter {
    /// A metadata value.
    public enum Value: Sendable {
        /// A 32-bit count.
        case count(UInt32)
        /// A 32-bit number.
        case number(Float)
        /// True or false.
        case flag(Bool)
        /// A string.
        case text(String)
        /// An array of strings.
        case texts([String])
        /// An array of 32-bit integers.
        case integers([Int32])
        /// An array of 32-bit floats.
        case numbers([Float])
    }

    /// A tensor; `dimensions` are fastest first, `offset` is nil where the writer shall place it.
    public struct Tensor: Sendable {
        var name: String
        var dimensions: [UInt64]
        var type: UInt32
        var data: [UInt8]
        var offset: UInt64?

        /// A tensor of a GGUF type id and its bytes.
        public init(_ name: String, _ dimensions: [UInt64], type: UInt32, data: [UInt8], offset: UInt64? = nil) {
            (self.name, self.dimensions, self.type) = (name, dimensions, type)
            (self.data, self.offset) = (data, offset)
        }
    }

    /// Keys and values, in order; a key may appear twice.
    public var metadata: [(key: String, value: Value)] = []
    /// Tensors, in order.
    public var tensors: [Tensor] = []
    /// The version in the header.
    public var version: UInt32 = 3
    private static let alignment = 32

    /// An empty file.
    public init() {}

    /// Replaces a value, adds it where there is none, or removes it.
    public mutating func set(_ key: String, _ value: Value?) {
        metadata.removeAll { $0.key == key }
        if let value { metadata.append((key, value)) }
    }

    /// The file.
    public func bytes() -> [UInt8] {
        var out = Array("GGUF".utf8)
        out.append(version)
        out.append(UInt64(tensors.count))
        out.append(UInt64(metadata.count))
        for (key, value) in metadata {
            out.append(key)
            Self.append(value, to: &out)
        }
        var data: [UInt8] = []
        for tensor in tensors {
            out.append(tensor.name)
            out.append(UInt32(tensor.dimensions.count))
            for dimension in tensor.dimensions { out.append(dimension) }
            out.append(tensor.type)
            out.append(tensor.offset ?? UInt64(data.count))
            data += tensor.data
            data.pad(to: Self.alignment)
        }
        out.pad(to: Self.alignment)
        return out + data
    }

    private static func append(_ value: Value, to out: inout [UInt8]) {
        switch value {
        case .count(let value): out.append(UInt32(4), value)
        case .number(let value): out.append(UInt32(6), value.bitPattern)
        case .flag(let value):
            out.append(UInt32(7))
            out.append(value ? UInt8(1) : 0)
        case .text(let value):
            out.append(UInt32(8))
            out.append(value)
        case .texts(let values):
            out.append(UInt32(9), UInt32(8))
            out.append(UInt64(values.count))
            for value in values { out.append(value) }
        case .integers(let values):
            out.append(UInt32(9), UInt32(5))
            out.append(UInt64(values.count))
            for value in values { out.append(value) }
        case .numbers(let values):
            out.append(UInt32(9), UInt32(6))
            out.append(UInt64(values.count))
            for value in values { out.append(value.bitPattern) }
        }
    }
}

extension [UInt8] {
    /// Appends integers, little-endian.
    mutating func append<I: FixedWidthInteger>(_ values: I...) {
        for value in values { Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) } }
    }

    /// Appends a string behind its 64-bit length.
    mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    mutating func pad(to alignment: Int) {
        append(contentsOf: [UInt8](repeating: 0, count: (alignment - count % alignment) % alignment))
    }
}
