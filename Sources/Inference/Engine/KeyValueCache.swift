import CKernels

/// How keys and values are kept.
public enum KeyValueType: String, Codable, CodingKeyRepresentable, Sendable, CaseIterable {
    /// IEEE halves.
    case f16
    /// Bytes with a scale for each 32 of them: 0.53 times the memory of `f16`.
    case q8_0
    /// Floats, where every digit is compared.
    case f32

    var tensorType: TensorType {
        switch self {
        case .f16: .f16
        case .q8_0: .q8_0
        case .f32: .f32
        }
    }
}

/// What the engine remembers of one sequence: keys and values of every token read so far, for each head of each layer
/// (`ck_memory`).
///
/// Belongs to one sequence alone; nothing is shared between sequences. Only the engine's thread touches it.
final class KeyValueCache: @unchecked Sendable {
    /// The tokens whose keys and values are here, in order.
    private(set) var tokens: [TokenID] = []
    let context: Int
    /// Positions whose keys lie interleaved.
    private static let block = 16
    /// Positions that there is room for.
    private let positions: Int
    private let shape: LlamaShape
    private let type: Int32
    /// Bytes of one head's keys, and of its values.
    private let keyBytes, valueBytes: Int
    private let keys, values: Memory<UInt8>

    init(shape: LlamaShape, context: Int, type: KeyValueType = .f16) throws(InferenceError) {
        (self.shape, self.context, self.type) = (shape, context, Int32(type.tensorType.rawValue))
        // The kernels read 32 positions at a time.
        positions = (context + 31) / 32 * 32
        keyBytes = ck_key_bytes(self.type, shape.headWidth, positions)
        valueBytes = ck_value_bytes(self.type, shape.headWidth, positions)
        let heads = shape.layers * shape.keyHeads
        let (bytes, overflow) = heads.multipliedReportingOverflow(by: valueBytes)
        guard !overflow else { throw .outOfMemory }
        keys = try Memory(count: heads * keyBytes)
        values = try Memory(count: bytes)
        // Growing would leave copies behind.
        tokens.reserveCapacity(context)
    }

    deinit { truncate(to: 0) }

    /// What a token takes, bytes.
    static func bytesPerToken(_ shape: LlamaShape, _ type: KeyValueType) -> Int {
        let (id, positions) = (Int32(type.tensorType.rawValue), 32)
        let head =
            ck_key_bytes(id, shape.headWidth, positions) + ck_value_bytes(id, shape.headWidth, positions)
        return shape.layers * shape.keyHeads * head / positions
    }

    func memory(layer: Int, head: Int) -> ck_memory {
        let index = layer * shape.keyHeads + head
        return ck_memory(
            type: type, keys: keys.start + index * keyBytes, values: values.start + index * valueBytes,
            width: shape.headWidth)
    }

    /// Says that the next positions hold these tokens.
    func append(_ more: some Sequence<TokenID>) { tokens += more }

    /// Forgets every token from `count` on; their keys, values and numbers are zeroed.
    func truncate(to count: Int) {
        guard count < tokens.count else { return }
        for layer in 0..<shape.layers {
            for head in 0..<shape.keyHeads {
                var memory = memory(layer: layer, head: head)
                ck_forget(&memory, count, tokens.count)
            }
        }
        tokens.withUnsafeMutableBytes { bytes in
            let kept = count * MemoryLayout<TokenID>.stride
            ck_wipe(bytes.baseAddress.map { $0 + kept }, bytes.count - kept)
        }
        tokens.removeSubrange(count...)
    }

    /// How many tokens at the beginning are the same as in `prompt`.
    func commonPrefix(with prompt: ArraySlice<TokenID>) -> Int {
        var count = 0
        for (own, wanted) in zip(tokens, prompt) {
            guard own == wanted else { break }
            count += 1
        }
        return count
    }

    /// Copies the first `count` tokens of another cache, whole blocks of them, if these are more than are here.
    /// - Parameter other: begins with the tokens that are here; of the same shape and type.
    func copy(_ count: Int, from other: KeyValueCache) {
        let blocks = count / Self.block
        guard blocks * Self.block > tokens.count else { return }
        let (keyBlock, valueBlock) = (keyBytes / (positions / Self.block), valueBytes / (positions / Self.block))
        for head in 0..<shape.layers * shape.keyHeads {
            (keys.start + head * keyBytes).update(from: other.keys.start + head * keyBytes, count: blocks * keyBlock)
            (values.start + head * valueBytes).update(
                from: other.values.start + head * valueBytes, count: blocks * valueBlock)
        }
        tokens += other.tokens[tokens.count..<blocks * Self.block]
    }
}
