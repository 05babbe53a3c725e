import CKernels
import Glibc

/// Computes a model of the Llama family: token ids and a cache in, logits out.
///
/// One per engine; used by the engine's thread only.
///
/// x ← embedding; for each layer: x += output(attention(rope(q), rope(k), v)) and x += down(silu(gate) · up), each on
/// the normed x; logits ← head(norm(x)).
/// All matrices are `[columns, width]`, one column per token of the chunk.
final class LlamaRunner {
    /// Most tokens read at once.
    ///
    /// *Our choice*: large enough that a weight row is unpacked once for many tokens, small enough to stop within a
    /// fraction of a second.
    static let chunkLimit = 64
    /// Rows of a matrix that a thread takes at a time are a multiple of this, and how often it comes back for more.
    ///
    /// *Our choice*: a whole panel of the kernels; several pieces even out threads that lost their core.
    private static let panel = 24
    private static let pieces = 4
    /// Most columns that are multiplied one by one.
    ///
    /// *Our choice*: from then on sixteen at once, some of them idle, are faster.
    private static let fewColumns = 3

    private let model: LlamaModel
    private let kernels: ck_kernels
    private let pool: ThreadPool
    private let shape: LlamaShape
    private let context: Int
    private let stream, normed, query, attended, gate, up, logits: Memory<Float>
    private let scores: Memory<Float>
    private let quantised: Memory<Int8>
    private let scales: Memory<Float>
    private let sums: Memory<Int16>
    private let cosine, sine: Memory<Float>

    init(model: LlamaModel, pool: ThreadPool, context: Int, kernels: ck_kernels = .fastest) throws(InferenceError) {
        self.kernels = kernels
        (self.model, self.pool, self.context, shape) = (model, pool, context, model.shape)
        let limit = Self.chunkLimit
        stream = try Memory(count: limit * shape.width)
        normed = try Memory(count: limit * max(shape.width, shape.queryWidth))
        query = try Memory(count: limit * shape.queryWidth)
        attended = try Memory(count: limit * shape.queryWidth)
        gate = try Memory(count: limit * shape.hidden)
        up = try Memory(count: limit * shape.hidden)
        logits = try Memory(count: shape.vocabulary)
        scores = try Memory(count: limit * shape.heads * context)
        let widest = max(shape.width, shape.queryWidth, shape.hidden)
        quantised = try Memory(count: limit * widest)
        scales = try Memory(count: limit * (widest / 32 + 1))
        sums = try Memory(count: limit * (widest / 16 + 2))
        cosine = try Memory(count: limit * shape.rotated / 2)
        sine = try Memory(count: limit * shape.rotated / 2)
    }

    /// Reads a chunk of tokens behind what the cache holds.
    /// - Parameters:
    ///   - tokens: 1 to `chunkLimit` tokens that are in the vocabulary and fit the context.
    ///   - wantsLogits: whether the last token's logits are needed.
    /// - Returns: logits `[vocabulary]`, valid until the next call; nil if not wanted.
    func read(_ tokens: ArraySlice<TokenID>, into cache: KeyValueCache, wantsLogits: Bool) -> UnsafeBufferPointer<
        Float
    >? {
        let first = cache.tokens.count
        precondition(
            !tokens.isEmpty && tokens.count <= Self.chunkLimit && first + tokens.count <= context, "chunk too long")
        embed(tokens)
        prepareRotation(first: first, count: tokens.count)
        for (index, layer) in model.layers.enumerated() {
            attend(
                layer, keys: cache.keys(layer: index), values: cache.values(layer: index), first: first,
                count: tokens.count)
            feedForward(layer, count: tokens.count)
        }
        cache.append(tokens)
        return wantsLogits ? score(column: tokens.count - 1) : nil
    }

    /// Overwrites everything that was derived from tokens.
    func wipe() {
        let floats = [stream, normed, query, attended, gate, up, logits, scales]
        for memory in floats { memory.wipe(0..<memory.count) }
        quantised.wipe(0..<quantised.count)
        sums.wipe(0..<sums.count)
        scores.discard()
    }

    private func embed(_ tokens: ArraySlice<TokenID>) {
        let table = model.embedding
        let rowBytes = table.width / table.type.blockCount * table.type.blockBytes
        for (column, token) in tokens.enumerated() {
            ck_dequantize(
                Int32(table.type.rawValue), table.bytes + Int(token) * rowBytes, shape.width,
                stream.start + column * shape.width)
        }
    }

    private func prepareRotation(first: Int, count: Int) {
        let half = shape.rotated / 2
        for column in 0..<count {
            for index in 0..<half {
                let frequency =
                    pow(shape.ropeBase, -2 * Float(index) / Float(shape.rotated)) / model.frequencyFactors[index]
                let angle = Float(first + column) * shape.ropeScale * frequency
                cosine.start[column * half + index] = cos(angle)
                sine.start[column * half + index] = sin(angle)
            }
        }
    }

    private func attend(
        _ layer: LlamaModel.Layer, keys: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>, first: Int,
        count: Int
    ) {
        let (width, keyWidth, head) = (shape.queryWidth, shape.keyWidth, shape.headWidth)
        norm(layer.attentionNorm, count: count)
        let input = prepare(normed.start, width: shape.width, count: count, for: [layer.query, layer.key, layer.value])
        multiply(layer.query, input, count: count, into: query.start, stride: width)
        multiply(layer.key, input, count: count, into: keys + first * keyWidth, stride: keyWidth)
        multiply(layer.value, input, count: count, into: values + first * keyWidth, stride: keyWidth)
        for column in 0..<count {
            let key = keys + (first + column) * keyWidth
            add(layer.queryBias, to: query.start + column * width)
            add(layer.keyBias, to: key)
            add(layer.valueBias, to: values + (first + column) * keyWidth)
            rotate(query.start + column * width, heads: shape.heads, column: column)
            rotate(key, heads: shape.keyHeads, column: column)
        }
        let group = shape.heads / shape.keyHeads
        let scale = 1 / Float(head).squareRoot()
        let kernels = kernels
        pool.run(count * shape.heads) { item in
            let (column, index) = (item / self.shape.heads, item % self.shape.heads)
            let offset = index / group * head
            var kernels = kernels
            ck_attend(
                &kernels, self.query.start + column * width + index * head, keys + offset, values + offset, keyWidth,
                first + column + 1, head, scale, self.scores.start + item * self.context,
                self.attended.start + column * width + index * head)
        }
        let result = prepare(attended.start, width: width, count: count, for: [layer.output])
        multiply(layer.output, result, count: count, into: normed.start, stride: shape.width)
        ck_add(stream.start, normed.start, count * shape.width)
    }

    private func rotate(_ x: UnsafeMutablePointer<Float>, heads: Int, column: Int) {
        let offset = column * shape.rotated / 2
        ck_rotate(
            x, heads, shape.headWidth, shape.rotated, cosine.start + offset, sine.start + offset,
            shape.rotatesHalves ? 1 : 0)
    }

    private func add(_ bias: [Float], to x: UnsafeMutablePointer<Float>) { ck_add(x, bias, bias.count) }

    private func feedForward(_ layer: LlamaModel.Layer, count: Int) {
        norm(layer.feedForwardNorm, count: count)
        let input = prepare(normed.start, width: shape.width, count: count, for: [layer.gate, layer.up])
        multiply(layer.gate, input, count: count, into: gate.start, stride: shape.hidden)
        multiply(layer.up, input, count: count, into: up.start, stride: shape.hidden)
        pool.run(count) { column in
            let offset = column * self.shape.hidden
            ck_silu_multiply(self.gate.start + offset, self.up.start + offset, self.shape.hidden)
        }
        let product = prepare(gate.start, width: shape.hidden, count: count, for: [layer.down])
        multiply(layer.down, product, count: count, into: normed.start, stride: shape.width)
        ck_add(stream.start, normed.start, count * shape.width)
    }

    private func score(column: Int) -> UnsafeBufferPointer<Float> {
        ck_rms_norm(stream.start + column * shape.width, model.norm, shape.width, shape.epsilon, normed.start)
        let input = prepare(normed.start, width: shape.width, count: 1, for: [model.head])
        multiply(model.head, input, count: 1, into: logits.start, stride: shape.vocabulary)
        return UnsafeBufferPointer(start: logits.start, count: shape.vocabulary)
    }

    private func norm(_ weight: [Float], count: Int) {
        for column in 0..<count {
            let offset = column * shape.width
            ck_rms_norm(stream.start + offset, weight, shape.width, shape.epsilon, normed.start + offset)
        }
    }

    /// Activations in the forms that the next matrices want.
    private struct Input {
        let floats: UnsafePointer<Float>
        let quantised: ck_activations
    }

    private func prepare(_ x: UnsafePointer<Float>, width: Int, count: Int, for tensors: [Tensor]) -> Input {
        let lanes = count > Self.fewColumns ? kernels.lanes : 1
        let columns = ck_activations(q: quantised.start, scale: scales.start, sum: sums.start, lanes: lanes)
        guard tensors.contains(where: \.type.isQuantised) else { return Input(floats: x, quantised: columns) }
        // Columns that lie interleaved are written by one thread.
        pool.run((count + lanes - 1) / lanes) { group in
            for column in group * lanes..<min((group + 1) * lanes, count) {
                self.kernels.quantize(x + column * width, width, column, columns)
            }
        }
        return Input(floats: x, quantised: columns)
    }

    private func multiply(
        _ tensor: Tensor, _ input: Input, count: Int, into out: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let panels = (tensor.rows + Self.panel - 1) / Self.panel
        let wanted = pool.threads * Self.pieces
        let rows = (panels + wanted - 1) / wanted * Self.panel
        pool.run((tensor.rows + rows - 1) / rows) { chunk in
            let first = chunk * rows
            self.kernels.multiply(
                Int32(tensor.type.rawValue), tensor.bytes, tensor.width, first,
                min(first + rows, tensor.rows),
                input.floats, input.quantised, count, out, stride)
        }
    }
}

extension ck_kernels {
    /// The forms that this processor runs, the fastest first, the plain one last.
    static var all: [ck_kernels] {
        (0...).lazy.map { ck_kernels_at($0)?.pointee }.prefix { $0 != nil }.compactMap { $0 }
    }
    /// What an engine runs on.
    static var fastest: ck_kernels { all[0] }

    var title: String { String(cString: name) }
}
