/// Splits text into the pieces that byte-pair encoding merges within, as Llama 3 does.
///
/// The expression behind `tokenizer.ggml.pre` = `llama-bpe`:
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
///
/// A scanner over scalars with one look-ahead, linear in the text; each alternative is one function, tried in the order
/// of the expression.
struct PreTokenizer {
    private enum Class { case letter, number, space, other }

    private let scalars: [Unicode.Scalar]
    private let classes: [Class]

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
        classes = scalars.map(Self.classify)
    }

    /// The pieces, in order; together they are the text.
    func pieces() -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < scalars.count {
            let end = contraction(start) ?? word(start) ?? digits(start) ?? symbols(start) ?? spaces(start)
            var piece = String.UnicodeScalarView()
            piece.append(contentsOf: scalars[start..<end])
            pieces.append(Array(String(piece).utf8))
            start = end
        }
        return pieces
    }

    private func contraction(_ start: Int) -> Int? {
        guard scalars[start] == "'", start + 1 < scalars.count else { return nil }
        let first = scalars[start + 1].properties.lowercaseMapping
        if ["s", "t", "m", "d"].contains(first) { return start + 2 }
        guard start + 2 < scalars.count else { return nil }
        let second = scalars[start + 2].properties.lowercaseMapping
        return ["re", "ve", "ll"].contains(first + second) ? start + 3 : nil
    }

    private func word(_ start: Int) -> Int? {
        var first = start
        if classes[start] != .letter {
            guard classes[start] != .number, !isNewline(start) else { return nil }
            first += 1
        }
        let end = run(from: first) { classes[$0] == .letter }
        return end > first ? end : nil
    }

    private func digits(_ start: Int) -> Int? {
        let end = min(run(from: start) { classes[$0] == .number }, start + 3)
        return end > start ? end : nil
    }

    private func symbols(_ start: Int) -> Int? {
        let first = scalars[start] == " " ? start + 1 : start
        let end = run(from: first) { classes[$0] == .other }
        guard end > first else { return nil }
        return run(from: end) { isNewline($0) }
    }

    /// White space: up to its last line break; else all but its last character if a word follows; else all of it.
    private func spaces(_ start: Int) -> Int {
        let end = run(from: start) { classes[$0] == .space }
        if let newline = (start..<end).last(where: isNewline) { return newline + 1 }
        return end < scalars.count && end - start > 1 ? end - 1 : max(end, start + 1)
    }

    private func run(from start: Int, while holds: (Int) -> Bool) -> Int {
        var end = start
        while end < scalars.count, holds(end) { end += 1 }
        return end
    }

    private func isNewline(_ index: Int) -> Bool { scalars[index] == "\n" || scalars[index] == "\r" }

    private static func classify(_ scalar: Unicode.Scalar) -> Class {
        if scalar.properties.isWhitespace { return .space }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return .other
        }
    }
}
