import CKernels

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
    private let type: TensorType
    /// Bytes of one head's keys, and of its values.
    private let keyBytes, valueBytes: Int
    private let keys, values: Memory<UInt8>

    /// - Parameter type: `f16`, or `f32` where every digit is compared.
    init(shape: LlamaShape, context: Int, type: TensorType = .f16) throws(InferenceError) {
        (self.shape, self.context, self.type) = (shape, context, type)
        // The kernels read 32 positions at a time.
        positions = (context + 31) / 32 * 32
        keyBytes = positions * shape.headWidth * type.blockBytes
        valueBytes = positions * ck_padded(shape.headWidth) * type.blockBytes
        let heads = shape.layers * shape.keyHeads
        let (bytes, overflow) = heads.multipliedReportingOverflow(by: valueBytes)
        guard !overflow else { throw .outOfMemory }
        keys = try Memory(count: heads * keyBytes)
        values = try Memory(count: bytes)
        // Growing would leave copies behind.
        tokens.reserveCapacity(context)
    }

    deinit { truncate(to: 0) }

    /// What a token takes in an engine's cache.
    static func bytesPerToken(_ shape: LlamaShape) -> Int {
        shape.layers * shape.keyHeads * (shape.headWidth + ck_padded(shape.headWidth)) * TensorType.f16.blockBytes
    }

    func memory(layer: Int, head: Int) -> ck_memory {
        let index = layer * shape.keyHeads + head
        return ck_memory(
            type: Int32(type.rawValue), keys: keys.start + index * keyBytes, values: values.start + index * valueBytes,
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
        let positions = count / Self.block * Self.block
        guard positions > tokens.count else { return }
        let keyRow = keyBytes / self.positions, valueRow = valueBytes / self.positions
        for head in 0..<shape.layers * shape.keyHeads {
            (keys.start + head * keyBytes).update(from: other.keys.start + head * keyBytes, count: positions * keyRow)
            (values.start + head * valueBytes).update(
                from: other.values.start + head * valueBytes, count: positions * valueRow)
        }
        tokens += other.tokens[tokens.count..<positions]
    }
}
