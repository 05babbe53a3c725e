import Foundation
import TestSupport
import Testing

@testable import Inference

private struct Golden: Decodable {
    let prompt: String
    let prompt_tokens: [Int32]
    let tokens: [Int32]
    let text: String
}

extension LlamaRunner {
    /// Reads tokens of one sequence.
    /// - Returns: the logits of the last one.
    func read(_ tokens: some Collection<TokenID>, into cache: KeyValueCache) -> UnsafeMutableBufferPointer<Float> {
        batch.add(tokens, to: cache, scored: 1)
        read()
        return logits(row: 0)
    }
}

extension Engine {
    /// Collects a whole answer.
    func answer(
        _ prompt: [TokenID], in sequence: SequenceID? = nil, maxTokens: Int, sampling: Sampling = .greedy,
        endTokens: Set<TokenID> = []
    ) async throws -> (tokens: [TokenID], reused: Int, reason: FinishReason?) {
        let own = sequence ?? openSequence()
        defer { if sequence == nil { closeSequence(own) } }
        let request = GenerationRequest(
            sequence: own, prompt: prompt, sampling: sampling, maxTokens: maxTokens, endTokens: endTokens)
        var (tokens, reused, reason) = ([TokenID](), 0, FinishReason?.none)
        for await event in try generate(request) {
            switch event {
            case .token(let token): tokens.append(token)
            case .accepted: break
            case .prefilled(let count, _, _): reused = count
            case .finished(let why): reason = why
            }
        }
        return (tokens, reused, reason)
    }
}

@Suite(.enabled(if: Shared.isPresent, "needs ../shared")) struct StoriesTests {
    private func load(
        _ name: String, threads: Int = 2, context: Int? = nil, keyValueType: KeyValueType = .f16
    ) throws -> (ModelFile, Tokenizer, Engine) {
        let options = EngineOptions(threads: threads, contextLength: context, keyValueType: keyValueType)
        let file = try ModelFile(path: Shared.folder.appending(path: "models/\(name).gguf").path)
        return (
            file, try file.makeTokenizer(),
            try Engine(file: file, options: options)
        )
    }

    private func goldens() throws -> [Golden] {
        try JSONDecoder().decode([Golden].self, from: Shared.data("models/golden_stories260K_f32.json"))
    }

    @Test func `greedy text is llama.cpp's`() async throws {
        let (_, tokenizer, engine) = try load("stories260K-f32")
        for golden in try goldens() {
            let prompt = tokenizer.encodeWithBeginning(golden.prompt)
            #expect(prompt == golden.prompt_tokens)
            #expect(
                try await engine.answer(prompt, maxTokens: golden.tokens.count).tokens == golden.tokens,
                "\(golden.prompt)")
        }
    }

    private struct Greedy: Decodable { let prompt, tokens: [Int32] }

    /// `Goldens/make_greedy.py` has the command.
    @Test func `greedy text of the quantised file is llama.cpp's`() async throws {
        let path = Shared.repository.appending(path: "Tests/InferenceTests/Goldens/stories260K-Q8_0.greedy.json")
        let (_, _, engine) = try load("stories260K-Q8_0", keyValueType: .f32)
        for golden in try JSONDecoder().decode([Greedy].self, from: Data(contentsOf: path)) {
            #expect(try await engine.answer(golden.prompt, maxTokens: golden.tokens.count).tokens == golden.tokens)
        }
    }

    private struct Logits: Decodable {
        let tokens: [Int32]
        let prompt: Int
        let logits: [[Float]]
    }

    /// `Goldens/make_goldens.py` has the command: llama.cpp with 32-bit keys and values, flash attention off.
    @Test func `logits are within 1e-3 of llama.cpp's`() throws {
        let path = Shared.repository.appending(path: "Tests/InferenceTests/Goldens/stories260K-f32.logits.json")
        let golden = try JSONDecoder().decode(Logits.self, from: Data(contentsOf: path))
        let file = try ModelFile(path: Shared.folder.appending(path: "models/stories260K-f32.gguf").path)
        let model = try LlamaModel(file: file)
        let runner = try LlamaRunner(model: model, pool: ThreadPool(threads: 2), context: 256)
        let cache = try KeyValueCache(shape: model.shape, context: 256, type: .f32)
        var (input, largest) = (golden.tokens[..<golden.prompt], Float.zero)
        for (step, expected) in golden.logits.enumerated() {
            let logits = runner.read(input, into: cache)
            for (ours, theirs) in zip(logits, expected) { largest = max(largest, abs(ours - theirs)) }
            input = golden.tokens[(golden.prompt + step)...(golden.prompt + step)]
        }
        #expect(largest < 1e-3, "largest difference \(largest)")
    }

    @Test func `reading a prompt in chunks, in tokens, or on more threads gives the same text`() async throws {
        let (_, tokenizer, engine) = try load("stories260K-f32")
        let (_, _, wide) = try load("stories260K-f32", threads: 5)
        let long = tokenizer.encodeWithBeginning(String(repeating: "Once upon a time there was a cat. ", count: 14))
        let whole = try await engine.answer(long, maxTokens: 20).tokens
        #expect(long.count > Batch.columnLimit)
        #expect(try await wide.answer(long, maxTokens: 20).tokens == whole)
        let sequence = engine.openSequence()
        for count in stride(from: 1, to: long.count, by: 7) {
            _ = try await engine.answer(Array(long.prefix(count)), in: sequence, maxTokens: 1)
        }
        #expect(try await engine.answer(long, in: sequence, maxTokens: 20).tokens == whole)
    }

    @Test func `a second turn does not read the first again, and another client knows nothing of it`() async throws {
        let (_, tokenizer, engine) = try load("stories260K-f32")
        let first = tokenizer.encodeWithBeginning("Once upon a time")
        let sequence = engine.openSequence()
        let answer = try await engine.answer(first, in: sequence, maxTokens: 10)
        let second = first + answer.tokens + tokenizer.encode(" Then")
        #expect(try await engine.answer(second, in: sequence, maxTokens: 5).reused >= first.count + 9)
        let foreign = engine.openSequence(of: ClientID(connection: 1, number: 0))
        #expect(try await engine.answer(second, in: foreign, maxTokens: 5).reused == 0)
        engine.closeSequence(sequence)
        #expect(throws: InferenceError.noSuchSequence) {
            _ = try engine.generate(
                GenerationRequest(sequence: sequence, prompt: first, sampling: .greedy, maxTokens: 1, endTokens: []))
        }
    }

    @Test func `several answers at once are each what they would be alone`() async throws {
        let (_, tokenizer, engine) = try load("stories260K-f32")
        let prompts = ["Once upon a time", "Lily and Tom went to the", "The dog", "A big red ball"].map(
            tokenizer.encodeWithBeginning)
        var alone: [[TokenID]] = []
        for prompt in prompts { alone.append(try await engine.answer(prompt, maxTokens: 30).tokens) }
        let together = try await withThrowingTaskGroup(of: (Int, [TokenID]).self) { group in
            for (index, prompt) in prompts.enumerated() {
                group.addTask { (index, try await engine.answer(prompt, maxTokens: 30).tokens) }
            }
            return try await group.reduce(into: [Int: [TokenID]]()) { $0[$1.0] = $1.1 }
        }
        for index in prompts.indices { #expect(together[index] == alone[index]) }
    }

    @Test func `a cancelled reader stops the engine, which then serves others`() async throws {
        let (_, tokenizer, engine) = try load("stories260K-f32", context: 512)
        let prompt = tokenizer.encodeWithBeginning("Once upon a time")
        let sequence = engine.openSequence()
        let generation = try engine.generate(
            GenerationRequest(sequence: sequence, prompt: prompt, sampling: .greedy, maxTokens: 400, endTokens: []))
        let task = Task {
            var count = 0
            for await _ in generation { count += 1 }
            return count
        }
        try await Task.sleep(for: .milliseconds(5))
        task.cancel()
        #expect(await task.value < 400)
        #expect(try await engine.answer(prompt, in: sequence, maxTokens: 3).tokens.count == 3)
    }

    @Test func `the context ends an answer and a prompt that does not fit is refused`() async throws {
        let (_, tokenizer, engine) = try load("stories260K-f32", context: 16)
        let prompt = tokenizer.encodeWithBeginning("Once upon a time")
        let answer = try await engine.answer(prompt, maxTokens: 100)
        #expect(answer.reason == .contextFull && prompt.count + answer.tokens.count == 17)
        let long = tokenizer.encode(String(repeating: "cat ", count: 30))
        await #expect(throws: InferenceError.promptTooLong(tokens: long.count, limit: 15)) {
            _ = try await engine.answer(long, maxTokens: 1)
        }
    }

    @Test func `the same seed gives the same text, another seed another`() async throws {
        let (_, tokenizer, engine) = try load("stories260K-f32")
        let prompt = tokenizer.encodeWithBeginning("Once upon a time")
        func text(_ seed: UInt64) async throws -> [TokenID] {
            try await engine.answer(prompt, maxTokens: 40, sampling: Sampling(temperature: 1, seed: seed)).tokens
        }
        #expect(try await text(1) == text(1))
        #expect(try await text(1) != text(2))
    }
}
