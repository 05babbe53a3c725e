/// Makes Markdown that arrives in pieces readable in a terminal: bold, headings and code are set apart, and everything
/// that would command the terminal is taken out.
///
/// Marks stay where they cannot be told apart yet; nothing is held back longer than one mark.
struct TerminalMarkdown {
    private enum Style {
        static let bold = "\u{1B}[1m", plain = "\u{1B}[0m", code = "\u{1B}[36m", dim = "\u{1B}[2m"
    }

    /// Whether styles are written; without, only control characters are taken out.
    let isStyled: Bool
    private var line = ""
    private var pending = ""
    private var isFenced = false
    private var isBold = false
    private var isCode = false

    init(isStyled: Bool) { self.isStyled = isStyled }

    /// What to show of the next piece.
    mutating func feed(_ text: String) -> String {
        let safe = text.harmless
        guard isStyled else { return safe }
        var output = ""
        for character in safe { output += next(character) }
        return output
    }

    /// What is left, at the end.
    mutating func finish() -> String {
        defer { (line, pending, isFenced, isBold, isCode) = ("", "", false, false, false) }
        return isStyled ? pending + Style.plain : ""
    }

    private mutating func next(_ character: Character) -> String {
        if character == "\n" { return endLine() }
        defer { line.append(character) }
        if isFenced || line.hasPrefix("```") { return String(character) }
        if character == "`" || character == "*" {
            pending.append(character)
            guard line + pending.suffix(1) == "```" else { return "" }
            pending = ""
            return Style.dim + "```"
        }
        return marked() + opening(character) + String(character)
    }

    /// A heading is bold to its end.
    private mutating func opening(_ character: Character) -> String {
        guard line.isEmpty, character == "#" else { return "" }
        isBold = true
        return Style.bold
    }

    /// What the marks just read mean.
    private mutating func marked() -> String {
        defer { pending = "" }
        switch pending {
        case "": return ""
        case "`":
            isCode.toggle()
            return isCode ? Style.code : Style.plain + (isBold ? Style.bold : "")
        case "**" where !isCode:
            isBold.toggle()
            return isBold ? Style.bold : Style.plain
        default: return pending
        }
    }

    private mutating func endLine() -> String {
        defer { (line, isBold, isCode) = ("", false, false) }
        if line.hasPrefix("```") {
            isFenced.toggle()
            return "\n" + (isFenced ? "" : Style.plain)
        }
        return marked() + (isBold || isCode ? Style.plain : "") + "\n"
    }
}

extension String {
    /// Without what would act on a terminal: no escape sequences, no overwriting, no reordering.
    ///
    /// For everything that somebody else wrote: answers, names in files, what was pasted.
    var harmless: String { String(String.UnicodeScalarView(unicodeScalars.filter(\.isHarmless))) }

    /// The same on one line: a name with a line break in it must not look like a line of ours.
    var oneLine: String { harmless.replacing("\n", with: " ") }
}

extension Unicode.Scalar {
    fileprivate var isHarmless: Bool {
        switch value {
        case 0x09, 0x0A: true
        case 0..<0x20, 0x7F..<0xA0: false
        case 0x2028...0x202E, 0x2066...0x2069, 0x200E, 0x200F, 0x061C: false
        default: true
        }
    }
}
