import Testing

@testable import Inference

/// A GGUF being written, byte by byte.
private struct GGUF {
    var bytes: [UInt8] = Array("GGUF".utf8)

    mutating func integer(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
    mutating func text(_ value: String) {
        integer(UInt64(value.utf8.count))
        bytes += Array(value.utf8)
    }

    /// A header with one pair and one tensor.
    init(version: UInt32 = 3, tensors: UInt64 = 1, pairs: UInt64 = 1) {
        integer(version)
        integer(tensors)
        integer(pairs)
        text("general.architecture")
        integer(UInt32(8))
        text("llama")
    }

    mutating func tensor(_ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) {
        text("t")
        integer(UInt32(dimensions.count))
        for dimension in dimensions { integer(dimension) }
        integer(type)
        integer(offset)
    }

    func open() throws(InferenceError) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
        copy.copyBytes(from: bytes)
        defer { copy.deallocate() }
        _ = try ModelFile(bytes: UnsafeRawBufferPointer(rebasing: copy[..<bytes.count]), name: "test")
    }
}

struct ModelFileTests {
    @Test(arguments: [UInt32(0), 1, 4, 0x0300_0000])
    func `other versions are refused`(version: UInt32) {
        #expect(throws: InferenceError.notGGUF) { try GGUF(version: version).open() }
    }

    @Test(arguments: [UInt64(1) << 32, UInt64(1) << 62, .max])
    func `counts that cannot be are refused before memory is taken`(count: UInt64) {
        #expect(throws: InferenceError.truncated) { try GGUF(tensors: count).open() }
        #expect(throws: InferenceError.truncated) { try GGUF(pairs: count).open() }
    }

    @Test func `tensors outside the file, with overflowing shapes or offsets, are refused`() {
        let hostile: [([UInt64], UInt64)] = [
            ([1 << 40], 0), ([1 << 32, 1 << 32], 0), ([.max], 0), ([0], 0), ([16], .max), ([16], 1 << 62), ([16], 3),
            ([UInt64(Int.max), 2], 0), ([4, 4, .max], 0),
        ]
        for (dimensions, offset) in hostile {
            var file = GGUF()
            file.tensor(dimensions, offset: offset)
            file.bytes += [UInt8](repeating: 0, count: 64)
            #expect(throws: InferenceError.self, "\(dimensions) at \(offset)") { try file.open() }
        }
        var many = GGUF()
        many.tensor([1, 1, 1, 1, 1])
        #expect(throws: InferenceError.malformed("number of dimensions")) { try many.open() }
    }

    @Test func `every truncation of a whole file is refused or reads nothing beyond its end`() {
        var file = GGUF()
        file.tensor([16])
        file.bytes += [UInt8](repeating: 0, count: 96)
        #expect(throws: Never.self) { try file.open() }
        for count in 0..<file.bytes.count - 96 {
            var cut = file
            cut.bytes = Array(file.bytes.prefix(count))
            #expect(throws: InferenceError.self, "\(count) bytes") { try cut.open() }
        }
    }
}
