import Foundation
import TestSupport
import Testing

@testable import Inference

/// A trained Qwen 2 model through everything that makes an answer, against llama.cpp: `Goldens/make_qwen2.py`.
struct QwenTests {
    private struct Golden: Decodable {
        let question, text: String
        let prompt, tokens: [TokenID]
    }

    @Test func `a trained model answers as llama cpp lets it answer`() async throws {
        let folder = Shared.repository.appending(path: "Tests/InferenceTests/Goldens")
        let goldens = try JSONDecoder().decode(
            [Golden].self, from: Data(contentsOf: folder.appending(path: "qwen2-tiny.greedy.json")))
        let file = try ModelFile(path: folder.appending(path: "qwen2-tiny.gguf").path)
        let tokenizer = try file.makeTokenizer()
        let format = try file.makeChatFormat(tokenizer)
        let engine = try Engine(file: file, options: EngineOptions(threads: 2))
        #expect(format == .chatML && file.inspect().obstacles.isEmpty)
        for golden in goldens {
            let prompt = format.render([ChatMessage(role: .user, content: golden.question)], with: tokenizer)
            #expect(prompt == golden.prompt, "\(golden.question)")
            let answer = try await engine.answer(prompt, maxTokens: 100, endTokens: tokenizer.endTokens).tokens
            #expect(answer == golden.tokens, "\(golden.question)")
            var detokenizer = tokenizer.makeDetokenizer()
            #expect(answer.map { detokenizer.append($0) }.joined() + detokenizer.finish() == golden.text)
        }
    }
}
