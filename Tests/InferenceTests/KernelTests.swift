import CKernels
import Testing

@testable import Inference

struct KernelTests {
    /// Random rows of a type, as GGUF stores them: any bits, but scales that are small numbers.
    private func weights(
        _ type: TensorType, rows: Int, width: Int, _ random: inout SystemRandomNumberGenerator
    ) -> [UInt8] {
        let scales: [Int] =
            switch type {
            case .f32: []
            case .f16, .bf16, .q4_0, .q5_0, .q8_0: [0]
            case .q4_k, .q5_k: [0, 2]
            case .q6_k: [208]
            }
        return (0..<rows * width / type.blockCount).flatMap { _ -> [UInt8] in
            if type == .f32 { return withUnsafeBytes(of: Float.random(in: -1...1, using: &random)) { Array($0) } }
            var block = (0..<type.blockBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
            for scale in scales {
                block[scale + 1] = (type == .bf16 ? 0x3C : 0x20) | UInt8.random(in: 0...3, using: &random)
            }
            return block
        }
    }

    /// What every form makes of random rows and columns, in the layouts that it takes, beside the plain one.
    private func compare(_ type: TensorType, width: Int, rows: Int, columns: Int) {
        var random = SystemRandomNumberGenerator()
        let matrix = weights(type, rows: rows, width: width, &random)
        let x = (0..<columns * width).map { _ in Float.random(in: -3...3, using: &random) }
        func product(_ kernels: ck_kernels, lanes: Int, rows range: Range<Int>) -> [Float] {
            var out = [Float](repeating: .nan, count: columns * rows)
            withActivations(x, width: width, kernels, lanes: lanes) {
                kernels.multiply(
                    Int32(type.rawValue), matrix, width, range.lowerBound, range.upperBound, x, $0, columns, &out, rows)
            }
            return out
        }
        let plain = product(ck_kernels.all[ck_kernels.all.count - 1], lanes: 1, rows: 0..<rows)
        for kernels in ck_kernels.all {
            for lanes in Set([1, kernels.lanes]) {
                #expect(product(kernels, lanes: lanes, rows: 0..<rows) == plain, "\(kernels.title) \(width)")
                let part = product(kernels, lanes: lanes, rows: 1..<3)
                for (index, value) in part.enumerated() {
                    #expect((1..<3).contains(index % rows) ? value == plain[index] : value.isNaN)
                }
            }
        }
    }

    @Test(arguments: TensorType.allCases, Array(1...17) + [33])
    func `every form is the plain one to the last bit, for every type, width, number of columns and range of rows`(
        type: TensorType, columns: Int
    ) {
        let widths =
            [1: [1, 7, 31, 32, 33, 100, 896], 32: [32, 64, 96, 160, 896, 2080]][type.blockCount] ?? [256, 512, 2304]
        for width in widths { compare(type, width: width, rows: columns < 6 ? 29 : 7, columns: columns) }
    }

    @Test(arguments: TensorType.allCases, [1, 2, 5])
    func `a row longer than what is kept of the columns comes to the same bits`(type: TensorType, columns: Int) {
        compare(type, width: 16_384 + type.blockCount * 9, rows: 3, columns: columns)
    }

    /// What the contract's order of additions is worth: `Double` has no order to speak of.
    @Test(arguments: TensorType.allCases)
    func `a product is the exact one within a millionth of its terms`(type: TensorType) {
        var random = SystemRandomNumberGenerator()
        let width = 2304
        let matrix = weights(type, rows: 1, width: width, &random)
        let x = (0..<width).map { _ in Float.random(in: -3...3, using: &random) }
        var (values, out) = ([Float](repeating: 0, count: width), Float.nan)
        ck_dequantize(Int32(type.rawValue), matrix, width, &values)
        let kernels = ck_kernels.fastest
        var (exact, size) = (0.0, 0.0)
        withActivations(x, width: width, kernels) { activations in
            kernels.multiply(Int32(type.rawValue), matrix, width, 0, 1, x, activations, 1, &out, 1)
            for (index, weight) in values.enumerated() {
                let rounded = Float(activations.q[index]) * activations.scale[index / 32]
                let term = Double(weight) * Double(type.isQuantised ? rounded : x[index])
                (exact, size) = (exact + term, size + abs(term))
            }
        }
        #expect(abs(Double(out) - exact) <= 1e-6 * size)
    }

    @Test(arguments: ck_kernels.all.map(\.title))
    func `the largest weights and activations do not overflow`(name: String) throws {
        let kernels = try #require(ck_kernels.all.first { $0.title == name })
        let width = 2048
        let matrix = [UInt8](repeating: 0x80, count: 34 * width / 32)  // all −128
        let x = [Float](repeating: 127, count: width)
        for lanes in Set([1, kernels.lanes]) {
            for scale in [UInt8(0x3C), 0xBC] {
                var (blocks, out) = (matrix, Float.nan)
                for block in 0..<width / 32 { (blocks[34 * block], blocks[34 * block + 1]) = (0, scale) }  // ±1
                withActivations(x, width: width, kernels, lanes: lanes) {
                    kernels.multiply(8, blocks, width, 0, 1, x, $0, 1, &out, 1)
                }
                #expect(out == (scale == 0x3C ? -128 : 128) * 127 * Float(width))
            }
        }
    }

    /// Some forms add up products in 16 bits as long as they fit.
    @Test(arguments: TensorType.allCases.filter(\.isQuantised), [Float(127), -127])
    func `no sum of the largest bytes overflows`(type: TensorType, value: Float) {
        let (width, columns) = (2048, 16)
        var block = [UInt8](repeating: 0xFF, count: type.blockBytes)
        for place in type == .q6_k ? [208] : type.blockCount == 256 ? [0, 2] : [0] {
            (block[place], block[place + 1]) = (0, 0x3C)  // 1
        }
        let row = (0..<width / type.blockCount).flatMap { _ in block }
        let x = [Float](repeating: value, count: columns * width)
        var first: [Float]?
        for kernels in ck_kernels.all {
            for lanes in Set([1, kernels.lanes]) {
                var out = [Float](repeating: .nan, count: columns)
                withActivations(x, width: width, kernels, lanes: lanes) {
                    kernels.multiply(Int32(type.rawValue), row, width, 0, 1, x, $0, columns, &out, 1)
                }
                #expect(out == first ?? out && !out[0].isNaN, "\(kernels.title) \(lanes)")
                first = out
            }
        }
    }

    @Test(arguments: [1, 16])
    func `every form quantises alike, within half a step and the rounding of the scale`(lanes: Int) {
        let width = 64
        let x = (0..<20 * width).map { _ in Float.random(in: -5...5) } + [Float](repeating: 0, count: width)
        var first: ([Int8], [Float], [Int16])?
        for kernels in ck_kernels.all {
            withActivations(x, width: width, kernels, lanes: lanes) { activations in
                for (index, value) in x.enumerated() {
                    let (column, place) = (index / width, index % width)
                    func at(_ place: Int, _ count: Int) -> Int {
                        (column / lanes * count + place) * lanes + column % lanes
                    }
                    let scale = activations.scale[at(place / 32, width / 32)]
                    let q = activations.q[4 * at(place / 4, width / 4) + place % 4]
                    #expect(abs(Float(q) * scale - value) <= scale * 0.57)
                }
                let count = (x.count / width + lanes - 1) / lanes * lanes * width
                let own = (
                    Array(UnsafeBufferPointer(start: activations.q, count: count)),
                    Array(UnsafeBufferPointer(start: activations.scale, count: count / 32)),
                    Array(UnsafeBufferPointer(start: activations.sum, count: count / 16))
                )
                if let first { #expect(first == own, "\(kernels.title)") }
                first = own
            }
        }
    }

    @Test func `a pool runs every chunk once, whatever the number of threads`() {
        for threads in [1, 2, 7] {
            let pool = ck_pool_create(threads)
            for chunks in [0, 1, 2, 1000] {
                // Plain memory: each chunk has a byte of its own, so no two threads write the same one.
                let seen = UnsafeMutablePointer<UInt8>.allocate(capacity: 1001)
                seen.initialize(repeating: 0, count: 1001)
                ck_pool_run(
                    pool, chunks,
                    { context, chunk in context?.assumingMemoryBound(to: UInt8.self)[chunk] += 1 }, seen)
                #expect((0...1000).allSatisfy { seen[$0] == ($0 < chunks ? 1 : 0) })
                seen.deallocate()
            }
            ck_pool_destroy(pool)
        }
    }
}

/// Quantises columns, and lends what came of it; nothing where a width has no blocks.
func withActivations<T>(
    _ x: [Float], width: Int, _ kernels: ck_kernels, lanes: Int = 1, _ body: (ck_activations) throws -> T
) rethrows -> T {
    let columns = width % 32 == 0 ? x.count / width : 0
    let count = (columns + lanes - 1) / lanes * lanes * width
    var q = [Int8](repeating: 0, count: count)
    var (scale, sum) = ([Float](repeating: 0, count: count / 32), [Int16](repeating: 0, count: count / 16))
    return try q.withUnsafeMutableBufferPointer { q in
        try scale.withUnsafeMutableBufferPointer { scale in
            try sum.withUnsafeMutableBufferPointer { sum in
                let activations = ck_activations(
                    q: q.baseAddress, scale: scale.baseAddress, sum: sum.baseAddress, lanes: lanes)
                for column in 0..<columns {
                    x.withUnsafeBufferPointer {
                        kernels.quantize($0.baseAddress.map { $0 + column * width }, width, column, activations)
                    }
                }
                return try body(activations)
            }
        }
    }
}
