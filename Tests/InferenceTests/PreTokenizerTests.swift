import TestSupport
import Testing

@testable import Inference

struct PreTokenizerTests {
    @Test(arguments: [
        (
            "llama-bpe",
            [
                "Hello|,| world|'s| |123|45", "a| | b|\n\n| c", "  ", "x| \n", "it|'Ll", "!!\n\n|ok", "\tword", "",
            ]
        ),
        ("qwen2", ["Hello| |1|2|3", "it|'LL"]),
        ("gpt-2", ["Hello|,| world| 123", "it|'|LL", "a| | b|\n\n| c", "\t|word"]),
        ("smollm", ["a| |1|2| b"]),
        ("falcon", ["wait|...| |123|45|$", "x|==| y"]),
        ("deepseek-llm", ["Hello| world|!|\n| |日本|x", "é|1234| "]),
    ])
    func `pieces are those of the published expressions and together the text`(name: String, cases: [String]) throws {
        let tokenizer = try #require(PreTokenizer(named: name))
        for expected in cases {
            let text = expected.filter { $0 != "|" }
            let pieces = tokenizer.pieces(of: text).map { String(decoding: $0, as: UTF8.self) }
            #expect(pieces.joined(separator: "|") == expected)
        }
    }
}
