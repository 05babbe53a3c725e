/// A token's number in its model's vocabulary.
public typealias TokenID = Int32

/// What the tokens of a model are: their bytes, and which of them are control tokens that no text may become.
struct Vocabulary: Sendable {
    /// *Our choice*: eight times the largest vocabulary in use.
    ///
    /// A hostile file may not ask for more memory than that.
    static let limit = 1 << 21

    enum Kind: Int32, Sendable {
        case normal = 1, unknown, control, userDefined, unused, byte
    }

    /// The bytes that a token stands for; empty for control tokens.
    let pieces: [[UInt8]]
    let kinds: [Kind]
    let idsByPiece: [[UInt8]: TokenID]
    private let controlIDs: [[UInt8]: TokenID]
    let beginning: TokenID?
    let end: TokenID?
    let addsBeginning: Bool
    private let endsOfGeneration: Set<TokenID>

    private static let endNames = [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<|endoftext|>", "<|eom_id|>", "</s>", "<|end_of_text|>",
        "<end_of_turn>",
    ]

    /// - Parameter decode: turns the file's spelling of a normal token into its bytes.
    init(file: ModelFile, addsBeginning: Bool, decode: (UnsafeRawBufferPointer) -> [UInt8]?) throws(InferenceError) {
        guard let texts = file.value("tokenizer.ggml.tokens")?.strings(atMost: Self.limit), !texts.isEmpty else {
            throw .malformed("tokenizer.ggml.tokens")
        }
        let types = file.value("tokenizer.ggml.token_type")?.integers ?? [Int32](repeating: 1, count: texts.count)
        guard types.count == texts.count else { throw .malformed("tokenizer.ggml.token_type") }
        kinds = types.map { Kind(rawValue: $0) ?? .normal }
        var pieces: [[UInt8]] = []
        var (ids, controls) = ([[UInt8]: TokenID](), [[UInt8]: TokenID]())
        pieces.reserveCapacity(texts.count)
        for (index, text) in texts.enumerated() {
            switch kinds[index] {
            case .control, .unknown:
                controls[Array(text)] = TokenID(index)
                pieces.append([])
            case .byte:
                pieces.append(Self.byte(text).map { [$0] } ?? [])
            default:
                let piece = decode(text) ?? Array(text)
                pieces.append(piece)
                if ids[piece] == nil { ids[piece] = TokenID(index) }
            }
        }
        (self.pieces, idsByPiece, controlIDs) = (pieces, ids, controls)
        let limit = texts.count
        func special(_ key: String) -> TokenID? {
            file.integer("tokenizer.ggml.\(key)_token_id").flatMap { (0..<limit).contains($0) ? TokenID($0) : nil }
        }
        (beginning, end) = (special("bos"), special("eos"))
        self.addsBeginning = file.flag("tokenizer.ggml.add_bos_token") ?? addsBeginning
        let named = Self.endNames.compactMap { controls[Array($0.utf8)] }
        endsOfGeneration = Set(named + [special("eos"), special("eot"), special("eom")].compactMap { $0 })
    }

    func control(_ text: String) -> TokenID? { controlIDs[Array(text.utf8)] }
    func isEndOfGeneration(_ id: TokenID) -> Bool { endsOfGeneration.contains(id) }
    var generationEnds: Set<TokenID> { endsOfGeneration }

    /// `<0x0A>` is the byte 10.
    private static func byte(_ text: UnsafeRawBufferPointer) -> UInt8? {
        let text = String(decoding: text, as: UTF8.self)
        guard text.utf8.count == 6, text.hasPrefix("<0x"), text.hasSuffix(">") else { return nil }
        return UInt8(text.dropFirst(3).dropLast(), radix: 16)
    }
}
