/// SentencePiece in the form of Llama 1 and 2 (`tokenizer.ggml.model` = `llama`): best-scoring merges of characters,
/// bytes for what is left.
struct SentencePiece: Sendable {
    /// U+2581, which stands for a space.
    private static let space: [UInt8] = [0xE2, 0x96, 0x81]

    let vocabulary: Vocabulary
    private let scores: [Float]
    private let bytes: [TokenID?]
    private let addsSpace: Bool

    init(file: ModelFile) throws(InferenceError) {
        vocabulary = try Vocabulary(file: file, addsBeginning: true) { Array($0) }
        guard let scores = file.value("tokenizer.ggml.scores")?.floats, scores.count == vocabulary.pieces.count else {
            throw .malformed("tokenizer.ggml.scores")
        }
        self.scores = scores
        var bytes = [TokenID?](repeating: nil, count: 256)
        for (id, piece) in vocabulary.pieces.enumerated() where vocabulary.kinds[id] == .byte && piece.count == 1 {
            bytes[Int(piece[0])] = TokenID(id)
        }
        self.bytes = bytes
        addsSpace = file.flag("tokenizer.ggml.add_space_prefix") ?? true
    }

    func encode(_ text: String) -> [TokenID] {
        guard !text.isEmpty else { return [] }
        var symbols = text.unicodeScalars.map { $0 == " " ? Self.space : Array(String($0).utf8) }
        if addsSpace { symbols.insert(Self.space, at: 0) }
        var queue = MergeQueue(symbols)
        let merged = queue.merged { left, right in
            vocabulary.idsByPiece[left + right].map { scores[Int($0)] }
        } join: {
            $0 + $1
        }
        return merged.flatMap { piece -> [TokenID] in
            if let id = vocabulary.idsByPiece[piece] { return [id] }
            return piece.compactMap { bytes[Int($0)] }
        }
    }

    /// What a token says, with spaces as spaces.
    func text(of id: TokenID) -> [UInt8] {
        let piece = vocabulary.pieces[Int(id)]
        guard vocabulary.kinds[Int(id)] != .byte, piece.contains(Self.space[0]) else { return piece }
        var (output, index) = ([UInt8](), 0)
        while index < piece.count {
            let isSpace = piece[index...].starts(with: Self.space)
            output.append(isSpace ? UInt8(ascii: " ") : piece[index])
            index += isSpace ? Self.space.count : 1
        }
        return output
    }
}
