import CKernels

/// What the engine remembers of one sequence: keys and values of every token read so far, per layer `[context,
/// keyWidth]` as 32-bit floats.
///
/// Belongs to one sequence alone; nothing is shared between sequences. Only the engine's thread touches it.
final class KeyValueCache: @unchecked Sendable {
    /// The tokens whose keys and values are here, in order.
    private(set) var tokens: [TokenID] = []
    let context: Int
    private let shape: LlamaShape
    private let keys: Memory<Float>
    private let values: Memory<Float>

    init(shape: LlamaShape, context: Int) throws(InferenceError) {
        (self.shape, self.context) = (shape, context)
        let (count, overflow) = (shape.layers * shape.keyWidth).multipliedReportingOverflow(by: context)
        guard !overflow else { throw .outOfMemory }
        keys = try Memory(count: count)
        values = try Memory(count: count)
        // Growing would leave copies behind.
        tokens.reserveCapacity(context)
    }

    deinit { truncate(to: 0) }

    func keys(layer: Int) -> UnsafeMutablePointer<Float> { keys.start + layer * context * shape.keyWidth }
    func values(layer: Int) -> UnsafeMutablePointer<Float> { values.start + layer * context * shape.keyWidth }

    /// Says that the next positions hold these tokens.
    func append(_ more: some Sequence<TokenID>) { tokens += more }

    /// Forgets every token from `count` on; their keys, values and numbers are zeroed.
    func truncate(to count: Int) {
        guard count < tokens.count else { return }
        for layer in 0..<shape.layers {
            let start = layer * context * shape.keyWidth
            let used = start + count * shape.keyWidth..<start + tokens.count * shape.keyWidth
            keys.wipe(used)
            values.wipe(used)
        }
        tokens.withUnsafeMutableBytes { bytes in
            let kept = count * MemoryLayout<TokenID>.stride
            ck_wipe(bytes.baseAddress.map { $0 + kept }, bytes.count - kept)
        }
        tokens.removeSubrange(count...)
    }

    /// How many tokens at the beginning are the same as in `prompt`.
    func commonPrefix(with prompt: [TokenID]) -> Int {
        let limit = min(tokens.count, prompt.count)
        return (0..<limit).first { tokens[$0] != prompt[$0] } ?? limit
    }
}
