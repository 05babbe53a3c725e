/// Byte-level byte-pair encoding as GPT-2 introduced it (`tokenizer.ggml.model` = `gpt2`).
struct BytePairEncoding: Sendable {
    private struct Merge: Sendable {
        let rank: Int32
        let result: TokenID
    }

    let vocabulary: Vocabulary
    private let preTokenizer: PreTokenizer
    private let merges: [UInt64: Merge]
    private let bytes: [TokenID?]

    init(file: ModelFile) throws(InferenceError) {
        let pre = file.metadataString("tokenizer.ggml.pre") ?? "default"
        guard let preTokenizer = PreTokenizer(named: pre) else { throw .unsupportedTokenizer(String(pre.prefix(64))) }
        self.preTokenizer = preTokenizer
        vocabulary = try Vocabulary(
            file: file, addsBeginning: preTokenizer.addsBeginning, decode: ByteAlphabet.bytes(of:))
        bytes = (0...255).map { [ids = vocabulary.idsByPiece] byte in ids[[UInt8(byte)]] }
        guard let rules = file.value("tokenizer.ggml.merges")?.strings(atMost: Vocabulary.limit) else {
            throw .malformed("tokenizer.ggml.merges")
        }
        var merges: [UInt64: Merge] = [:]
        merges.reserveCapacity(rules.count)
        for (rank, rule) in rules.enumerated() {
            let parts = rule.split(separator: UInt8(ascii: " "), maxSplits: 1)
            guard parts.count == 2, let left = ByteAlphabet.bytes(of: .init(rebasing: parts[0])),
                let right = ByteAlphabet.bytes(of: .init(rebasing: parts[1])),
                let a = vocabulary.idsByPiece[left], let b = vocabulary.idsByPiece[right],
                let result = vocabulary.idsByPiece[left + right]
            else { continue }
            let pair = Self.pair(a, b)
            if merges[pair] == nil { merges[pair] = Merge(rank: Int32(rank), result: result) }
        }
        self.merges = merges
    }

    func encode(_ text: String) -> [TokenID] {
        preTokenizer.pieces(of: text).flatMap(encode(piece:))
    }

    private func encode(piece: [UInt8]) -> [TokenID] {
        if preTokenizer.keepsWholeTokens, let id = vocabulary.idsByPiece[piece] { return [id] }
        var queue = MergeQueue(piece.compactMap { bytes[Int($0)] })
        return queue.merged { left, right in
            merges[Self.pair(left, right)].map { -Float($0.rank) }
        } join: { left, right in
            merges[Self.pair(left, right)]?.result ?? left
        }
    }

    private static func pair(_ a: TokenID, _ b: TokenID) -> UInt64 {
        UInt64(UInt32(bitPattern: a)) << 32 | UInt64(UInt32(bitPattern: b))
    }
}

/// GPT-2's printable spelling of bytes: 188 bytes stand for themselves, the other 68 are moved to U+0100 and up.
enum ByteAlphabet {
    private static let byteOfScalar: [Unicode.Scalar: UInt8] = {
        var table: [Unicode.Scalar: UInt8] = [:]
        var moved: UInt32 = 256
        for byte in UInt8.min...UInt8.max {
            if (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174 {
                table[Unicode.Scalar(byte)] = byte
            } else if let scalar = Unicode.Scalar(moved) {
                table[scalar] = byte
                moved += 1
            }
        }
        return table
    }()

    /// The bytes that a spelling stands for; nil if it has a foreign character.
    static func bytes(of spelling: UnsafeRawBufferPointer) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in String(decoding: spelling, as: UTF8.self).unicodeScalars {
            guard let byte = byteOfScalar[scalar] else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
