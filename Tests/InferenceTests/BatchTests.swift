import CKernels
import TestSupport
import Testing

@testable import Inference

/// Tokens of several sequences that are read in one step.
struct BatchTests {
    private static let context = 600

    private func model(_ kind: MixedModel.Kind = .mixed) throws -> LlamaModel {
        try LlamaModel(
            file: ModelFile(bytes: TinyModel.pinned(MixedModel.bytes(kind, context: Self.context)), name: "mixed"))
    }

    private func tokens(_ count: Int, _ seed: Int) -> [TokenID] {
        (0..<count).map { TokenID(($0 * 31 + seed * 17) % 250) }
    }

    /// Tokens before and in the batch, so that spans, tiles and blocks end in all places.
    private static let shapes = [(0, 1), (5, 1), (0, 7), (255, 1), (256, 1), (300, 3), (511, 5), (40, 60), (15, 17)]

    @Test(arguments: MixedModel.Kind.allCases)
    func `what is read beside others is what it would be alone, to the bit`(kind: MixedModel.Kind) throws {
        let model = try model(kind)
        let together = try LlamaRunner(model: model, pool: ThreadPool(threads: 3), context: Self.context)
        let alone = try LlamaRunner(model: model, pool: ThreadPool(threads: 1), context: Self.context)
        var expected: [[Float]] = []
        var caches: [KeyValueCache] = []
        for (index, (before, count)) in Self.shapes.enumerated() {
            let text = tokens(before + count, index)
            let (own, other) = (
                try KeyValueCache(shape: model.shape, context: Self.context),
                try KeyValueCache(shape: model.shape, context: Self.context)
            )
            for start in stride(from: 0, to: before, by: 100) {
                _ = together.read(text[start..<min(start + 100, before)], into: own)
            }
            caches.append(own)
            var last: [Float] = []
            for (place, token) in text.enumerated() {
                let logits = alone.read([token], into: other)
                if place >= text.count - min(count, 3) { last += Array(logits) }
            }
            expected.append(last)
        }
        var rows: [Range<Int>] = []
        for (index, (before, count)) in Self.shapes.enumerated() {
            let text = tokens(before + count, index)[before...]
            rows.append(together.batch.add(text, to: caches[index], scored: min(count, 3)))
        }
        together.read()
        for (own, wanted) in zip(rows, expected) { #expect(own.flatMap { Array(together.logits(row: $0)) } == wanted) }
    }

    @Test func `what was read is held by nobody but its sequence`() throws {
        let model = try model()
        let runner = try LlamaRunner(model: model, pool: ThreadPool(threads: 2), context: Self.context)
        weak var gone: KeyValueCache?
        do {
            let cache = try KeyValueCache(shape: model.shape, context: Self.context)
            gone = cache
            _ = runner.read(tokens(20, 1), into: cache)
        }
        #expect(gone == nil)
    }

    @Test func `a batch has room for so many tokens and sequences`() throws {
        let (batch, shape) = (Batch(), try model().shape)
        #expect(batch.room == Batch.columnLimit)
        for index in 1...Batch.passageLimit {
            batch.add([1, 2], to: try KeyValueCache(shape: shape, context: 64), scored: 1)
            #expect(batch.room == (index < Batch.passageLimit ? Batch.columnLimit - 2 * index : 0))
        }
        #expect(batch.scores == Batch.passageLimit)
        batch.clear()
        #expect(batch.room == Batch.columnLimit && batch.scores == 0 && batch.tokens.isEmpty)
    }

    @Test func `the beginning of another sequence can be copied`() throws {
        let model = try model()
        let runner = try LlamaRunner(model: model, pool: ThreadPool(threads: 2), context: Self.context)
        let (first, second) = (
            try KeyValueCache(shape: model.shape, context: Self.context),
            try KeyValueCache(shape: model.shape, context: Self.context)
        )
        let text = tokens(50, 1)
        let expected = Array(runner.read(text, into: first))
        second.copy(first.commonPrefix(with: text.dropLast()), from: first)
        #expect(second.tokens == Array(text.prefix(48)))
        #expect(Array(runner.read(text[48...], into: second)) == expected)
        second.copy(16, from: first)
        #expect(second.tokens == text)
    }
}
