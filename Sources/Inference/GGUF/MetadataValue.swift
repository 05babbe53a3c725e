/// A metadata value of a GGUF file.
///
/// Arrays stay in the file: their bytes are read when they are asked for.
enum MetadataValue {
    case unsigned(UInt64)
    case signed(Int64)
    case float(Double)
    case bool(Bool)
    case string(String)
    case array(type: UInt32, count: Int, bytes: UnsafeRawBufferPointer)

    init(from cursor: inout ByteCursor) throws(InferenceError) {
        self = try Self.read(type: try cursor.integer(UInt32.self), from: &cursor)
    }

    private static func read(type: UInt32, from cursor: inout ByteCursor) throws(InferenceError) -> MetadataValue {
        switch type {
        case 0: .unsigned(UInt64(try cursor.integer(UInt8.self)))
        case 1: .signed(Int64(try cursor.integer(Int8.self)))
        case 2: .unsigned(UInt64(try cursor.integer(UInt16.self)))
        case 3: .signed(Int64(try cursor.integer(Int16.self)))
        case 4: .unsigned(UInt64(try cursor.integer(UInt32.self)))
        case 5: .signed(Int64(try cursor.integer(Int32.self)))
        case 6: .float(Double(try cursor.float()))
        case 7: .bool(try cursor.integer(UInt8.self) != 0)
        case 8: .string(try cursor.string())
        case 9: try array(from: &cursor)
        case 10: .unsigned(try cursor.integer(UInt64.self))
        case 11: .signed(try cursor.integer(Int64.self))
        case 12: .float(Double(bitPattern: try cursor.integer(UInt64.self)))
        default: throw .malformed("type of a metadata value")
        }
    }

    /// Arrays of arrays are in no model file; refusing them bounds the depth.
    private static func array(from cursor: inout ByteCursor) throws(InferenceError) -> MetadataValue {
        let type = try cursor.integer(UInt32.self)
        if type == 8 {
            let count = try cursor.count(ofAtLeast: 8)
            var scan = cursor
            for _ in 0..<count { _ = try scan.stringBytes() }
            return .array(type: type, count: count, bytes: try cursor.slice(scan.offset - cursor.offset))
        }
        guard let size = fixedSize(of: type) else { throw .malformed("type of a metadata array") }
        let count = try cursor.count(ofAtLeast: size)
        return .array(type: type, count: count, bytes: try cursor.slice(count * size))
    }

    private static func fixedSize(of type: UInt32) -> Int? {
        switch type {
        case 0, 1, 7: 1
        case 2, 3: 2
        case 4, 5, 6: 4
        case 10, 11, 12: 8
        default: nil
        }
    }
}

extension MetadataValue {
    var integer: Int? {
        switch self {
        case .unsigned(let value): Int(exactly: value)
        case .signed(let value): Int(exactly: value)
        default: nil
        }
    }

    var number: Float? {
        switch self {
        case .float(let value): Float(value)
        default: integer.map { Float($0) }
        }
    }

    /// Number of elements of an array.
    var count: Int? {
        guard case .array(_, let count, _) = self else { return nil }
        return count
    }

    /// The strings of an array of strings, as bytes in the file; nil if there are more than `limit`.
    func strings(atMost limit: Int) -> [UnsafeRawBufferPointer]? {
        guard case .array(8, let count, let bytes) = self, count <= limit else { return nil }
        var cursor = ByteCursor(bytes)
        var strings: [UnsafeRawBufferPointer] = []
        strings.reserveCapacity(count)
        for _ in 0..<count {
            guard let string = try? cursor.stringBytes() else { return nil }
            strings.append(string)
        }
        return strings
    }

    /// The numbers of an array of 32-bit floats.
    var floats: [Float]? {
        guard case .array(6, let count, let bytes) = self else { return nil }
        return (0..<count).map {
            Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
        }
    }

    /// The numbers of an array of 32-bit integers.
    var integers: [Int32]? {
        guard case .array(let type, let count, let bytes) = self, type == 4 || type == 5 else { return nil }
        return (0..<count).map { Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)) }
    }
}
