import CKernels
import Glibc
import Testing

@testable import Inference

struct AttentionTests {
    /// A head's memory of random keys and values, and what they are.
    private final class Head {
        let keys, values: [[Float]]
        var memory: ck_memory
        private let storage: [UnsafeMutableRawBufferPointer]
        var bytes: [[UInt8]] { storage.map(Array.init) }

        init(type: KeyValueType, width: Int, positions: Int) {
            func random() -> [[Float]] {
                (0..<positions).map { _ in (0..<width).map { _ in Float.random(in: -2...2) } }
            }
            (keys, values) = (random(), random())
            let (id, room) = (Int32(type.tensorType.rawValue), (positions + 31) / 32 * 32)
            storage = [ck_key_bytes(id, width, room), ck_value_bytes(id, width, room)].map {
                let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: $0, alignment: 64)
                bytes.initializeMemory(as: UInt8.self, repeating: 0)
                return bytes
            }
            memory = ck_memory(
                type: id, keys: storage[0].baseAddress, values: storage[1].baseAddress, width: width)
            for position in 0..<positions { ck_remember(&memory, position, keys[position], values[position]) }
        }

        deinit { storage.forEach { $0.deallocate() } }

        func forget(_ positions: Range<Int>) { ck_forget(&memory, positions.lowerBound, positions.upperBound) }

        /// The softmax of the scaled scores over all positions up to one, in double precision.
        func exact(_ query: [Float], position: Int, scale: Double) -> [Double] {
            let scores = keys[...position].map { key in
                scale * zip(query, key).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            }
            let largest = scores.max() ?? 0
            let weights = scores.map { exp($0 - largest) }
            let total = weights.reduce(0, +)
            return query.indices.map { index in
                zip(weights, values).reduce(0) { $0 + $1.0 * Double($1.1[index]) } / total
            }
        }
    }

    private static let group = 3

    /// Attention of some columns in one call, or span by span for each alone.
    private func attend(
        _ form: Int, _ head: Head, _ query: [Float], columns: Int, first: Int, bySpans: Bool
    ) throws -> [Float] {
        let kernels = try #require(ck_kernels_at(form))
        var memory = head.memory
        let (width, group) = (memory.width, Self.group)
        let spans = (first + columns + Int(CK_SPAN) - 1) / Int(CK_SPAN)
        let size = 2 + ck_padded(width)
        let scale = 1 / Float(width).squareRoot()
        var out = [Float](repeating: 0, count: query.count)
        var partials = [Float](repeating: .nan, count: columns * group * spans * size)
        func gather(_ from: Int, _ count: Int, query index: Int) {
            partials.withUnsafeBufferPointer { room in
                out.withUnsafeMutableBufferPointer { out in
                    kernels.pointee.gather(
                        room.baseAddress.map { $0 + from * size }, count, width,
                        out.baseAddress.map { $0 + index * width })
                }
            }
        }
        if !bySpans {
            ck_attend(
                kernels, &memory, query, group * width, columns, group, first, 0, spans, scale, &partials, size)
            for index in 0..<columns * group { gather(index, 1, query: index) }
            return out
        }
        for column in 0..<columns {
            let own = Array(query[column * group * width..<(column + 1) * group * width])
            let seen = (first + column) / Int(CK_SPAN) + 1
            for span in 0..<seen {
                partials.withUnsafeMutableBufferPointer { room in
                    ck_attend(
                        kernels, &memory, own, 0, 1, group, first + column, span, 1, scale,
                        room.baseAddress.map { $0 + span * size }, seen * size)
                }
            }
            for index in 0..<group { gather(index * seen, seen, query: column * group + index) }
        }
        return out
    }

    /// How far attention over numbers from -2 to 2 may be from the exact one.
    private static let tolerance: [KeyValueType: Double] = [.f32: 2e-6, .f16: 2e-3, .q8_0: 2e-2]

    @Test(arguments: KeyValueType.allCases, [8, 40, 64, 80, 128])
    func `every form gives the same bits for columns together and spans apart, near the exact value`(
        type: KeyValueType, width: Int
    ) throws {
        let (columns, first) = (11, 508)
        let head = Head(type: type, width: width, positions: first + columns)
        let query = (0..<columns * Self.group * width).map { _ in Float.random(in: -2...2) }
        let expected = try attend(0, head, query, columns: columns, first: first, bySpans: false)
        for form in ck_kernels.all.indices {
            for bySpans in [false, true] {
                #expect(
                    try attend(form, head, query, columns: columns, first: first, bySpans: bySpans) == expected,
                    "\(ck_kernels.all[form].title) \(bySpans)")
            }
        }
        let tolerance = try #require(Self.tolerance[type])
        for index in 0..<columns * Self.group {
            let own = Array(query[index * width..<(index + 1) * width])
            let exact = head.exact(own, position: first + index / Self.group, scale: 1 / Double(width).squareRoot())
            for (value, wanted) in zip(expected[(index * width)...], exact) {
                #expect(abs(Double(value) - wanted) < tolerance)
            }
        }
    }

    @Test(arguments: KeyValueType.allCases, [8, 40, 64])
    func `positions that are forgotten leave nothing, and the others stay`(type: KeyValueType, width: Int) {
        let head = Head(type: type, width: width, positions: 50)
        let whole = head.bytes
        head.forget(20..<50)
        let part = head.bytes
        for position in 20..<50 { ck_remember(&head.memory, position, head.keys[position], head.values[position]) }
        #expect(head.bytes == whole && part != whole)
        head.forget(20..<50)
        #expect(head.bytes == part)
        head.forget(0..<20)
        #expect(head.bytes.allSatisfy { $0.allSatisfy { $0 == 0 } })
    }

    @Test func `bytes with scales take 34 bytes for each 32 numbers, half of what halves take`() {
        for (width, bytes) in [(64, 68), (128, 136), (40, 44)] {
            #expect(ck_key_bytes(Int32(CK_Q8_0), width, 32) == 32 * bytes)
            #expect(ck_key_bytes(Int32(CK_F16), width, 32) == 32 * 2 * width)
        }
        #expect(ck_value_bytes(Int32(CK_Q8_0), 64, 32) == 32 * 68)
        #expect(ck_value_bytes(Int32(CK_Q8_0), 40, 32) == 32 * 52)
    }

    @Test(arguments: [Float.infinity, .nan, 3e38, 1e-10])
    func `numbers that no scale fits become the nearest that there is`(value: Float) throws {
        let head = Head(type: .q8_0, width: 40, positions: 1)
        ck_remember(&head.memory, 0, head.keys[0], [Float](repeating: value, count: 40))
        let out = try attend(0, head, [Float](repeating: 1, count: 3 * 40), columns: 1, first: 0, bySpans: false)
        let wanted: Float = value.isNaN || value < 1 ? 0 : 127 * 65_504
        #expect(out.allSatisfy { $0 == wanted })
    }

    @Test func `halves are rounded as the standard says`() {
        for _ in 0..<2_000 {
            let value = Float(bitPattern: UInt32.random(in: 0...UInt32.max))
            guard !value.isNaN else { continue }
            let head = stored(value)
            #expect(Float16(bitPattern: head) == Float16(value), "\(value)")
        }
        for value: Float in [0, -0.0, 65_504, 65_519.996, 65_520, 6e-8, 2.9e-8, 6.1e-5, .infinity, -.infinity] {
            #expect(Float16(bitPattern: stored(value)) == Float16(value), "\(value)")
        }
    }

    private func stored(_ value: Float) -> UInt16 {
        var room = [UInt16](repeating: 0, count: 512)
        room.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            var memory = ck_memory(type: 1, keys: start, values: start + 512, width: 1)
            ck_remember(&memory, 0, [value], [value])
        }
        return room[0]
    }

    @Test(arguments: ck_kernels.all.indices)
    func `silu is exact within a few units of the last place, at any length`(form: Int) throws {
        let kernels = try #require(ck_kernels_at(form)).pointee
        for count in [1, 15, 16, 17, 100] {
            let x = (0..<count).map { _ in Float.random(in: -80...80) }
            var gate = x + [42]
            kernels.silu_multiply(&gate, [Float](repeating: 2, count: count), count)
            for (own, value) in zip(gate, x) {
                let exact = 2 * Double(value) / (1 + exp(-Double(value)))
                #expect(abs(Double(own) - exact) <= 1e-6 * abs(exact))
            }
            #expect(gate[count] == 42)
        }
    }
}
