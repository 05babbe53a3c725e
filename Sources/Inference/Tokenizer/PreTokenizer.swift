/// Splits text into the pieces that byte-pair encoding merges within, as a model's `tokenizer.ggml.pre` names it.
///
/// The published expressions, one stage after another: a stage looks through every stretch that the one before left,
/// cuts out its matches, and what lies between them stays together.
struct PreTokenizer: Sendable {
    /// Where a match that begins here ends; nil if there is none.
    private typealias Alternative = @Sendable (Scan, Int) -> Int?
    /// Alternatives in the order in which they are tried.
    private typealias Stage = [Alternative]

    private let stages: [Stage]
    /// Whether a piece that is itself a token is not taken apart (`ignore_merges`).
    let keepsWholeTokens: Bool
    /// Whether texts begin with the beginning token where the file does not say.
    let addsBeginning: Bool

    /// - Returns: nil for a name that is none of those known.
    init?(named name: String) {
        switch name {
        case "llama-bpe", "llama3", "llama-v3", "falcon3", "lfm2", "pixtral":
            stages = [Self.llama3]
            (keepsWholeTokens, addsBeginning) = (true, true)
            return
        case "dbrx", "smaug-bpe": stages = [Self.llama3]
        case "qwen2", "deepseek-r1-qwen", "stablelm2": stages = [Self.qwen2]
        case "gpt-2", "phi-2", "mpt", "olmo": stages = [Self.gpt2]
        case "smollm", "starcoder", "refact", "command-r": stages = [[{ $0.digits($1, limit: 1) }], Self.gpt2]
        case "falcon": stages = [Self.punctuation, Self.gpt2, Self.threeDigits]
        case "deepseek-llm": stages = Self.deepSeek
        default: return nil
        }
        (keepsWholeTokens, addsBeginning) = (false, false)
    }

    /// The pieces, in order; together they are the text.
    func pieces(of text: String) -> [[UInt8]] {
        let scan = Scan(Array(text.unicodeScalars))
        var stretches = [0..<scan.end].filter { !$0.isEmpty }
        for stage in stages {
            stretches = stretches.flatMap { Self.split($0, of: scan.ending(at: $0.upperBound), by: stage) }
        }
        return stretches.map { stretch in
            var piece = String.UnicodeScalarView()
            piece.append(contentsOf: scan.scalars[stretch])
            return Array(String(piece).utf8)
        }
    }

    private static func split(_ stretch: Range<Int>, of scan: Scan, by stage: Stage) -> [Range<Int>] {
        var (pieces, between, index) = ([Range<Int>](), stretch.lowerBound, stretch.lowerBound)
        while index < stretch.upperBound {
            guard let end = stage.lazy.compactMap({ $0(scan, index) }).first else {
                index += 1
                continue
            }
            if between < index { pieces.append(between..<index) }
            pieces.append(index..<end)
            (between, index) = (end, end)
        }
        if between < stretch.upperBound { pieces.append(between..<stretch.upperBound) }
        return pieces
    }
}

extension PreTokenizer {
    // `(?i:'s|…)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    private static let llama3: Stage = words(digits: 3)
    /// The same with `\p{N}`.
    private static let qwen2: Stage = words(digits: 1)

    private static func words(digits limit: Int) -> Stage {
        [
            { $0.contraction($1, anyCase: true) }, { $0.word($1) }, { $0.digits($1, limit: limit) },
            { $0.symbols($1) }, { $0.lineBreaks($1) }, { $0.spaces($1) },
        ]
    }

    // `'s|…| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    private static let gpt2: Stage = [
        { $0.contraction($1, anyCase: false) }, { $0.spaced(.letter, $1) }, { $0.spaced(.number, $1) },
        { $0.spaced(.other, $1) }, { $0.spaces($1) },
    ]

    // ``[\p{P}$+<=>^~|`]+``
    private static let punctuation: Stage = [
        { $0.some($1) { "$+<=>^~|`".unicodeScalars.contains($0) || isPunctuation($0) } }
    ]

    // `[0-9][0-9][0-9]`
    private static let threeDigits: Stage = [
        { scan, start in
            guard start + 3 <= scan.end else { return nil }
            return scan.scalars[start..<start + 3].allSatisfy { ("0"..."9").contains($0) } ? start + 3 : nil
        }
    ]

    // `[\r\n]`, `\s?[A-Za-z…]+` (letters that have a case), `\s?[!-/:-~！-／：-～‘-‟　-。]+`, `\s+$`, `[一-龥ࠀ-一가-퟿]+`, `\p{N}+`
    private static let deepSeek: [Stage] = [
        [{ $0.isNewline($1) ? $1 + 1 : nil }],
        [{ $0.some($1, spaced: true, hasCase) }],
        [{ $0.some($1, spaced: true) { scalar in signs.contains { $0.contains(scalar.value) } } }],
        [{ $0.closingSpaces($1) }],
        [{ $0.some($1) { (0x800...0x9FA5).contains($0.value) || (0xAC00...0xD7FF).contains($0.value) } }],
        [{ $0.digits($1, limit: .max) }],
    ]

    private static let signs: [ClosedRange<UInt32>] = [
        0x21...0x2F, 0x3A...0x7E, 0xFF01...0xFF0F, 0xFF1A...0xFF5E, 0x2018...0x201F, 0x3000...0x3002,
    ]

    private static func hasCase(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter: true
        default: false
        }
    }

    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            true
        default: false
        }
    }
}
