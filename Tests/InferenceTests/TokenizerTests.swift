import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite(.enabled(if: Shared.isPresent, "needs ../shared")) struct PublishedTokenizerTests {
    @Test(arguments: ["llama-bpe", "llama-spm"])
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

    @Test func `an unknown pre-tokenizer is refused by name`() throws {
        let path = Shared.folder.appending(path: "vectors/tokenizers/ggml-vocab-falcon.gguf").path
        let file = try ModelFile(path: path)
        #expect(throws: InferenceError.unsupportedTokenizer("falcon")) { _ = try file.makeTokenizer() }
    }
}
