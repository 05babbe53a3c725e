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

    @Test(arguments: TensorType.allCases, [1, 2, 3, 4, 5, 9])
    func `a fast product is the plain one, for every type, width and number of columns`(type: TensorType, columns: Int)
    {
        var random = SystemRandomNumberGenerator()
        let widths =
            [1: [1, 7, 31, 32, 33, 100, 896], 32: [32, 64, 96, 160, 896]][type.blockCount] ?? [256, 512, 768]
        let id = Int32(type.rawValue)
        for width in widths {
            let rows = 5
            let matrix = weights(type, rows: rows, width: width, &random)
            let x = (0..<columns * width).map { _ in Float.random(in: -3...3, using: &random) }
            var (fast, plain) = (
                [Float](repeating: 0, count: columns * rows), [Float](repeating: 0, count: columns * rows)
            )
            withActivations(width % 32 == 0 ? x : []) { activations in
                ck_matmul(id, matrix, width, 1, rows, x, activations, columns, &fast, rows)
                ck_matmul_reference(id, matrix, width, 1, rows, x, activations, columns, &plain, rows)
            }
            let scale = max(plain.map(abs).max() ?? 0, 1e-3)
            for (a, b) in zip(fast, plain) { #expect(abs(a - b) <= 2e-4 * scale, "width \(width): \(a) \(b)") }
        }
    }

    @Test func `weights of −128 and activations of ±127 do not overflow`() {
        let matrix: [UInt8] = [0, 0x3C] + [UInt8](repeating: 0x80, count: 32)  // scale 1, all −128
        let x = [Float](repeating: 127, count: 32)
        var out: [Float] = [0]
        withActivations(x) { ck_matmul(8, matrix, 32, 0, 1, x, $0, 1, &out, 1) }
        #expect(out[0] == -128 * 127 * 32)
    }

    @Test func `quantised activations are within half a step and the rounding of the scale`() {
        let x = (0..<64).map { _ in Float.random(in: -5...5) }
        withActivations(x) { activations in
            for (index, value) in x.enumerated() {
                let scale = activations.scale[index / 32]
                #expect(abs(Float(activations.q[index]) * scale - value) <= scale * 0.57)
            }
        }
        withActivations([Float](repeating: 0, count: 32)) { #expect($0.scale[0] == 0 && $0.sum[0] == 0) }
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

/// Quantises, and lends what came of it.
func withActivations<T>(_ x: [Float], _ body: (ck_activations) throws -> T) rethrows -> T {
    var q = [Int8](repeating: 0, count: x.count)
    var (scale, sum) = ([Float](repeating: 0, count: x.count / 32 + 1), [Float](repeating: 0, count: x.count / 32 + 1))
    return try q.withUnsafeMutableBufferPointer { q in
        try scale.withUnsafeMutableBufferPointer { scale in
            try sum.withUnsafeMutableBufferPointer { sum in
                let activations = ck_activations(q: q.baseAddress, scale: scale.baseAddress, sum: sum.baseAddress)
                ck_quantize(x, x.count, activations)
                return try body(activations)
            }
        }
    }
}
