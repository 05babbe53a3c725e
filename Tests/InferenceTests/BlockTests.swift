import CKernels
import Foundation
import TestSupport
import Testing

@testable import Inference

/// Blocks that llama.cpp wrote, with its values and products: `Goldens/make_blocks.py`.
struct BlockTests {
    struct Goldens: Decodable {
        struct Row: Decodable {
            let id: UInt32
            let block: Data
            let values: [Float]
            let dot: Float?
        }
        let activations: [Float]
        let types: [String: Row]
    }

    private let goldens: Goldens

    init() throws {
        let file = Shared.repository.appending(path: "Tests/InferenceTests/Goldens/blocks.json")
        goldens = try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: file))
    }

    @Test func `every quantised type and both halves are among them, under llama cpp's names`() {
        let own = Set(TensorType.allCases.map(\.rawValue)).subtracting([TensorType.f32.rawValue])
        #expect(Set(goldens.types.values.map(\.id)) == own)
        for (name, row) in goldens.types { #expect(TensorType.name(row.id) == name) }
    }

    @Test func `values are llama cpp's to the last bit`() throws {
        for (name, row) in goldens.types {
            let type = try #require(TensorType(rawValue: row.id))
            let count = row.values.count
            #expect(row.block.count == count / type.blockCount * type.blockBytes, "\(name)")
            var values = [Float](repeating: 0, count: count)
            row.block.withUnsafeBytes { ck_dequantize(Int32(row.id), $0.baseAddress, count, &values) }
            for (own, its) in zip(values, row.values) { #expect(own == its, "\(name)") }
        }
    }

    /// Activations are rounded to 8 bits in blocks of 32 here and in blocks of 32 or 256 there.
    @Test func `products are llama cpp's within the rounding of activations`() {
        let x = goldens.activations
        for (name, row) in goldens.types {
            let exact = zip(x, row.values).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            for kernels in ck_kernels.all {
                var result: Float = 0
                withActivations(x, width: x.count, kernels) { activations in
                    row.block.withUnsafeBytes {
                        kernels.multiply(Int32(row.id), $0.baseAddress, x.count, 0, 1, x, activations, 1, &result, 1)
                    }
                }
                #expect(abs(Double(result) - exact) < 1e-3 * exact, "\(name)")
                if let dot = row.dot { #expect(abs(result - dot) < 2e-3 * dot, "\(name)") }
            }
        }
    }
}
