import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite(.enabled(if: Shared.isPresent, "needs ../shared")) struct PublishedTokenizerTests {
    @Test(arguments: [
        "llama-bpe", "llama-spm", "qwen2", "gpt-2", "falcon", "starcoder", "deepseek-llm", "phi-3",
    ])
    func `every published case gives the published tokens`(name: String) throws {
        let path = Shared.folder.appending(path: "vectors/tokenizers/ggml-vocab-\(name).gguf").path
        let tokenizer = try ModelFile(path: path).makeTokenizer()
        let inputs = String(decoding: try Data(contentsOf: URL(filePath: path + ".inp")), as: UTF8.self)
            .components(separatedBy: "\n__ggml_vocab_test__\n")
        let outputs = String(decoding: try Data(contentsOf: URL(filePath: path + ".out")), as: UTF8.self)
            .components(separatedBy: "\n")
        #expect(inputs.count >= 46)
        for (input, output) in zip(inputs, outputs) {
            let expected = output.split(separator: " ").compactMap { Int32($0) }
            let tokens = tokenizer.encode(input)
            #expect(tokens == expected, "\(input.debugDescription)")
            var detokenizer = tokenizer.makeDetokenizer()
            let text = tokens.map { detokenizer.append($0) }.joined() + detokenizer.finish()
            #expect(text == input || text == " " + input)
        }
    }

    /// `llama-bpe` has no `add_bos_token`; llama-cpp-python 0.3.36 gives these tokens for `tokenize(b"Hello", add_bos=True)`.
    @Test(arguments: [("llama-bpe", [128_000, 9_906]), ("llama-spm", [1, 15_043])])
    func `a model that wants a beginning gets it, also where its file is silent`(name: String, expected: [TokenID])
        throws
    {
        let path = Shared.folder.appending(path: "vectors/tokenizers/ggml-vocab-\(name).gguf").path
        #expect(try ModelFile(path: path).makeTokenizer().encodeWithBeginning("Hello") == expected)
    }

    @Test func `an unknown pre-tokenizer is refused by name`() throws {
        var writer = TinyModel.writer()
        writer.set("tokenizer.ggml.pre", .text("of-its-own"))
        let file = try ModelFile(bytes: TinyModel.pinned(writer.bytes()), name: "tiny")
        #expect(throws: InferenceError.unsupportedTokenizer("of-its-own")) { _ = try file.makeTokenizer() }
    }
}
