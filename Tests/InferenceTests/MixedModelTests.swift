import CKernels
import Foundation
import TestSupport
import Testing

@testable import Inference

/// Qwen 2, every tensor type and Llama 3's rotation, against llama.cpp: `Goldens/make_mixed.py`.
struct MixedModelTests {
    private struct Goldens: Decodable {
        let tokens: [TokenID]
        let logits: [String: [Float]]
    }

    private func file(_ kind: MixedModel.Kind) throws -> ModelFile {
        let bytes = MixedModel.bytes(kind)
        if let folder = ProcessInfo.processInfo.environment["CLOISTER_WRITE_MODELS"] {
            let folder = URL(filePath: folder)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(bytes).write(to: folder.appending(path: "\(kind).gguf"))
        }
        return try ModelFile(bytes: TinyModel.pinned(bytes), name: "\(kind)")
    }

    /// Nothing is rounded in the first two; in the last both round activations, differently, so the whole is compared.
    @Test(arguments: [(MixedModel.Kind.plain, Float(1e-4)), (.scaled, 1e-4), (.mixed, 0.02)])
    func `logits are llama cpp's`(kind: MixedModel.Kind, tolerance: Float) throws {
        let path = Shared.repository.appending(path: "Tests/InferenceTests/Goldens/mixed.logits.json")
        let model = try LlamaModel(file: file(kind))
        let goldens = try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: path))
        let cache = try KeyValueCache(shape: model.shape, context: 64, type: .f32)
        let runner = try LlamaRunner(model: model, pool: ThreadPool(threads: 2), context: 64)
        _ = runner.read(goldens.tokens.dropLast(5), into: cache)
        let logits = runner.read(goldens.tokens.suffix(5), into: cache)
        let expected = try #require(goldens.logits["\(kind)"])
        let norm = expected.map { $0 * $0 }.reduce(0, +).squareRoot()
        let error = zip(logits, expected).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot() / norm
        #expect(logits.count == expected.count && error < tolerance, "relative error \(error)")
    }

    @Test(arguments: MixedModel.Kind.allCases)
    func `no bit depends on the processor, the number of threads or how many tokens are read at once`(
        kind: MixedModel.Kind
    ) throws {
        let model = try LlamaModel(file: file(kind))
        let tokens = (0..<60).map { TokenID($0 * 7 % 250) }
        func logits(_ form: Int, threads: Int, step: Int, type: KeyValueType = .f16) throws -> [Float] {
            let cache = try KeyValueCache(shape: model.shape, context: 64, type: type)
            let runner = try LlamaRunner(
                model: model, pool: ThreadPool(threads: threads), context: 64, kernels: #require(ck_kernels_at(form)))
            for first in stride(from: 0, to: tokens.count - 1, by: step) {
                let end = min(first + step, tokens.count - 1)
                _ = runner.read(tokens[first..<end], into: cache)
            }
            return Array(runner.read(tokens.suffix(1), into: cache))
        }
        let expected = try logits(0, threads: 1, step: 1)
        for form in ck_kernels.all.indices { #expect(try logits(form, threads: 2, step: 60) == expected) }
        for step in [2, 5, 17] { #expect(try logits(0, threads: 3, step: step) == expected) }
        // Eight bits of keys and values change little, and alike in every form.
        let bytes = try logits(0, threads: 1, step: 1, type: .q8_0)
        for form in ck_kernels.all.indices {
            #expect(try logits(form, threads: 2, step: 60, type: .q8_0) == bytes)
        }
        let norm = expected.map { $0 * $0 }.reduce(0, +).squareRoot()
        let error = zip(bytes, expected).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot() / norm
        #expect(error > 0 && error < 0.02, "relative error \(error)")
    }
}
