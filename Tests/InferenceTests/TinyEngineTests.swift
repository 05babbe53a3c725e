import CKernels
import TestSupport
import Testing

@testable import Inference

/// The engine on a model built in code: what needs no real weights.
struct TinyEngineTests {
    private func engine(context: Int = 128, sequences: Int = 8, changing: (inout GGUFWriter) -> Void = { _ in }) throws
        -> Engine
    {
        var writer = TinyModel.writer(context: context)
        changing(&writer)
        let file = try ModelFile(bytes: TinyModel.pinned(writer.bytes()), name: "tiny")
        return try Engine(file: file, options: .init(threads: 2, sequences: sequences))
    }

    private func request(_ engine: Engine, _ prompt: [TokenID] = [1, 2, 3], tokens: Int, sampling: Sampling = .greedy)
        -> GenerationRequest
    {
        GenerationRequest(
            sequence: engine.openSequence(), prompt: prompt, sampling: sampling, maxTokens: tokens, endTokens: [])
    }

    @Test func `an end token ends the answer and is not part of it`() async throws {
        let engine = try engine()
        let free = try await engine.answer([1, 2, 3], maxTokens: 4).tokens
        var bound = request(engine, tokens: 4)
        bound.endTokens = [free[2]]
        var events: [GenerationEvent] = []
        for await event in try engine.generate(bound) { events.append(event) }
        let shown = free.prefix { $0 != free[2] }
        #expect(events.removeFirst() == .accepted)
        guard case .prefilled(0, 3, let nanoseconds)? = events.first else {
            Issue.record("the prompt was not read")
            return
        }
        #expect(nanoseconds > 0 && events.last == .finished(.endOfSequence))
        #expect(events.dropFirst().dropLast() == shown.map { .token($0) }[...])
    }

    @Test(.timeLimit(.minutes(1)))
    func `an engine that is let go ends the answers it owes`() async throws {
        var owner: Engine? = try engine()
        let generation = try #require(try owner.map { try $0.generate(request($0, tokens: 120)) })
        owner = nil
        for await _ in generation {}
    }

    @Test func `a reader that is slow holds the engine back, and others are served meanwhile`() async throws {
        let engine = try engine()
        let slow = try engine.generate(request(engine, tokens: 100))
        #expect(try await engine.answer([4, 5], maxTokens: 50).tokens.count == 50)
        var count = 0
        for await event in slow { if case .token = event { count += 1 } }
        #expect(count == 100)
    }

    @Test func `a request that cannot be is refused before it begins`() throws {
        let engine = try engine()
        #expect(throws: InferenceError.outOfRange("prompt")) { try engine.generate(request(engine, [], tokens: 1)) }
        #expect(throws: InferenceError.outOfRange("prompt")) { try engine.generate(request(engine, [-1], tokens: 1)) }
        #expect(throws: InferenceError.outOfRange("prompt")) {
            try engine.generate(request(engine, [TokenID(TinyModel.vocabularySize)], tokens: 1))
        }
        #expect(throws: InferenceError.outOfRange("max_tokens")) { try engine.generate(request(engine, tokens: 0)) }
        #expect(throws: InferenceError.outOfRange("context")) {
            let file = try ModelFile(bytes: TinyModel.pinned(), name: "tiny")
            _ = try Engine(file: file, options: .init(threads: 1, contextLength: 129))
        }
    }

    @Test func `over the limit the sequence unused for longest is forgotten, and answers stay the same`() async throws {
        let engine = try engine(sequences: 2)
        let prompt = [TokenID](1...20)
        let names = (0..<4).map { engine.openSequence(of: ClientID(connection: $0, number: 0)) }
        let first = try await engine.answer(prompt, in: names[0], maxTokens: 5)
        for name in names { _ = try await engine.answer(prompt, in: name, maxTokens: 5) }
        let again = try await engine.answer(prompt, in: names[0], maxTokens: 5)
        #expect(again.tokens == first.tokens && again.reused == 0)
        #expect(try await engine.answer(prompt, in: names[0], maxTokens: 5).reused == 19)
    }

    @Test func `a cache forgets to zero`() throws {
        let model = try LlamaModel(file: ModelFile(bytes: TinyModel.pinned(), name: "tiny"))
        let runner = try LlamaRunner(model: model, pool: ThreadPool(threads: 1), context: 32)
        let cache = try KeyValueCache(shape: model.shape, context: 32)
        _ = runner.read([1, 2, 3, 4], into: cache)
        func isZero(_ positions: Range<Int>) -> Bool {
            (0..<model.shape.layers * model.shape.keyHeads).allSatisfy { index in
                let (layer, head) = index.quotientAndRemainder(dividingBy: model.shape.keyHeads)
                let memory = cache.memory(layer: layer, head: head)
                return positions.allSatisfy { position in
                    (0..<memory.width).allSatisfy {
                        let key = (position / 16 * memory.width + $0) * 16 + position % 16
                        let value = position * ck_padded(memory.width) + $0
                        return memory.keys.load(fromByteOffset: 2 * key, as: UInt16.self) == 0
                            && memory.values.load(fromByteOffset: 2 * value, as: UInt16.self) == 0
                    }
                }
            }
        }
        #expect(!isZero(0..<4) && isZero(4..<32))
        cache.truncate(to: 2)
        #expect(!isZero(0..<2) && isZero(2..<32) && cache.tokens == [1, 2])
        // The room behind the list is the list's still: `capacity` covers it.
        let behind = cache.tokens.withUnsafeBufferPointer { list in
            (2..<4).map { list.baseAddress?[$0] }
        }
        #expect(behind == [0, 0])
        cache.truncate(to: 0)
        #expect(isZero(0..<32))
    }

    @Test func `weights that are no numbers end in tokens, not in a crash`() async throws {
        let engine = try engine { writer in
            let rows = TinyModel.vocabularySize
            let poison = [UInt8](repeating: 0xFF, count: 32 * rows * 4)  // every float a NaN
            writer.tensors[0] = .init("token_embd.weight", [32, UInt64(rows)], type: 0, data: poison)
        }
        let answer = try await engine.answer([1], maxTokens: 3, sampling: Sampling(seed: 1))
        #expect(answer.tokens.count == 3)
    }
}
