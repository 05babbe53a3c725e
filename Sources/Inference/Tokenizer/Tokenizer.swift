/// Turns text into a model's tokens and back.
///
/// Text never becomes a control token, whatever it says.
public struct Tokenizer: Sendable {
    private enum Kind: Sendable {
        case sentencePiece(SentencePiece)
        case bytePair(BytePairEncoding)
    }

    private let kind: Kind

    init(file: ModelFile) throws(InferenceError) {
        switch file.metadataString("tokenizer.ggml.model") {
        case "llama": kind = .sentencePiece(try SentencePiece(file: file))
        case "gpt2": kind = .bytePair(try BytePairEncoding(file: file))
        case let other: throw .unsupportedTokenizer(String((other ?? "none").prefix(64)))
        }
    }

    private var vocabulary: Vocabulary {
        switch kind {
        case .sentencePiece(let tokenizer): tokenizer.vocabulary
        case .bytePair(let tokenizer): tokenizer.vocabulary
        }
    }

    /// Number of tokens.
    public var vocabularySize: Int { vocabulary.pieces.count }
    /// The token that a text begins with, if the model has one.
    public var beginningOfSequence: TokenID? { vocabulary.beginning }
    /// The token that a text ends with, if the model has one.
    public var endOfSequence: TokenID? { vocabulary.end }
    /// The tokens after which an answer is over.
    public var endTokens: Set<TokenID> { vocabulary.generationEnds }

    /// The tokens of a text, without any control token.
    public func encode(_ text: String) -> [TokenID] {
        switch kind {
        case .sentencePiece(let tokenizer): tokenizer.encode(text)
        case .bytePair(let tokenizer): tokenizer.encode(text)
        }
    }

    /// The tokens of a text behind the beginning token, if the model wants one.
    public func encodeWithBeginning(_ text: String) -> [TokenID] {
        (vocabulary.addsBeginning ? vocabulary.beginning.map { [$0] } ?? [] : []) + encode(text)
    }

    /// A control token by its name; nil if the model has none of that name.
    func control(_ name: String) -> TokenID? { vocabulary.control(name) }

    /// The bytes that a token adds to a text; none for a control token or a number that is no token.
    func bytes(of id: TokenID) -> [UInt8] {
        guard vocabulary.pieces.indices.contains(Int(id)) else { return [] }
        return switch kind {
        case .sentencePiece(let tokenizer): tokenizer.text(of: id)
        case .bytePair(let tokenizer): tokenizer.vocabulary.pieces[Int(id)]
        }
    }

    /// Turns tokens to text as they come.
    public func makeDetokenizer() -> Detokenizer { Detokenizer(self) }
}

/// Joins tokens to text and gives out whole characters only: the bytes of a character may be spread over several
/// tokens.
public struct Detokenizer: Sendable {
    private let tokenizer: Tokenizer
    private var pending: [UInt8] = []

    init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    /// Adds a token.
    /// - Returns: the text that is complete now, possibly empty. Bytes that can never become a character come out as
    ///   U+FFFD.
    public mutating func append(_ id: TokenID) -> String {
        pending += tokenizer.bytes(of: id)
        let complete = pending.count - Self.unfinishedCount(pending)
        defer { pending.removeFirst(complete) }
        return String(decoding: pending[..<complete], as: UTF8.self)
    }

    /// What is left at the end; an unfinished character comes out as U+FFFD.
    public mutating func finish() -> String {
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }

    /// Bytes at the end that begin a character and do not complete it: 0 to 3.
    private static func unfinishedCount(_ bytes: [UInt8]) -> Int {
        for back in 1..<4 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > back ? back : 0
        }
        return 0
    }
}

extension ModelFile {
    /// The file's tokenizer.
    /// - Throws: `unsupportedTokenizer` with its name, `malformed`.
    public func makeTokenizer() throws(InferenceError) -> Tokenizer { try Tokenizer(file: self) }
}
