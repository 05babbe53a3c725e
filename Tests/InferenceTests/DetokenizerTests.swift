import TestSupport
import Testing

@testable import Inference

struct DetokenizerTests {
    private let tokenizer: Tokenizer

    init() throws { tokenizer = try ModelFile(bytes: TinyModel.pinned(), name: "tiny").makeTokenizer() }

    @Test(arguments: ["hello wörld", "🙂🏳️‍🌈", "a\u{0}b\n", "日本語 ﷽", ""])
    func `a text comes back whole, and no character is ever split`(text: String) {
        var detokenizer = tokenizer.makeDetokenizer()
        var pieces = tokenizer.encode(text).map { detokenizer.append($0) }
        pieces.append(detokenizer.finish())
        #expect(pieces.joined() == text)
        #expect(pieces.allSatisfy { !$0.unicodeScalars.contains("\u{FFFD}") })
    }

    @Test func `bytes that are no text become the replacement character and hold nothing back`() {
        var detokenizer = tokenizer.makeDetokenizer()
        #expect(detokenizer.append(0xC3) == "")
        #expect(detokenizer.append(TokenID(UInt8(ascii: "x"))) == "\u{FFFD}x")
        #expect(detokenizer.append(0xE2) + detokenizer.append(0x96) == "")
        #expect(detokenizer.finish() == "\u{FFFD}")
        #expect(detokenizer.append(-1) + detokenizer.append(.max) == "")
    }

    @Test(.timeLimit(.minutes(1)))
    func `a long word without a space is merged in reasonable time`() {
        let text = String(repeating: "hel", count: 30_000) + String(repeating: "lo", count: 30_000)
        let tokens = tokenizer.encode(text)
        var detokenizer = tokenizer.makeDetokenizer()
        #expect(tokens.map { detokenizer.append($0) }.joined() == text)
        #expect(tokens.count < text.utf8.count)
    }

    @Test func `merges happen in the order of their ranks`() {
        #expect(tokenizer.encode("hello").count == 1)
        #expect(tokenizer.encode(" hello").count == 1)
        #expect(tokenizer.encode("hell").count == 1)
        #expect(tokenizer.encode("ello").count == 3)
    }
}
