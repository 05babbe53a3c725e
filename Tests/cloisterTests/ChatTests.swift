import Testing

@testable import cloister

/// What a terminal shows of an answer.
struct TerminalMarkdownTests {
    private func shown(_ text: String, styled: Bool = true, by step: Int = 1) -> String {
        var markdown = TerminalMarkdown(isStyled: styled)
        var output = ""
        var rest = Substring(text)
        while !rest.isEmpty {
            output += markdown.feed(String(rest.prefix(step)))
            rest = rest.dropFirst(step)
        }
        return output + markdown.finish()
    }

    @Test func `nothing of an answer commands the terminal`() {
        for styled in [true, false] {
            let shown = shown("a\u{1B}]0;title\u{7}b\u{1B}[2Jc\rd\u{8}e\u{9B}31mf\u{202E}g\th\n", styled: styled)
            let ours = shown.replacing("\u{1B}[0m", with: "")
            #expect(ours == "a]0;titleb[2Jcde31mfg\th\n")
        }
    }

    @Test(arguments: [1, 2, 3, 7, 100])
    func `marks are the same however the text is cut`(step: Int) {
        let text = "# Title\nsome **bold** and `code` and 2 * 3\n```swift\nlet a = **b**\n```\nend"
        #expect(shown(text, by: step) == shown(text))
        let plain = shown(text, by: step).replacing(#/\u{1B}\[\d+m/#, with: "")
        #expect(plain == "# Title\nsome bold and code and 2 * 3\n```swift\nlet a = **b**\n```\nend")
    }

    @Test func `without styles the text is as it came`() {
        #expect(shown("some **bold** and `code`\n", styled: false) == "some **bold** and `code`\n")
    }

    @Test func `only a slash and a letter begin a command`() {
        #expect(TypedCommand("/help") != nil && TypedCommand("/nonsense at all") != nil)
        #expect(TypedCommand("what is /help") == nil && TypedCommand("/ 2") == nil && TypedCommand("/") == nil)
    }
}
