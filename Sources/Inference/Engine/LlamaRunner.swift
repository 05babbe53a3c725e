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
    /// Columns whose attention is one piece of work.
    ///
    /// *Our choice*: enough pieces for many threads, few enough readings of the keys.
    private static let columnsAttended = 4

    private let model: LlamaModel
    private let kernels: UnsafePointer<ck_kernels>
    private let pool: ThreadPool
    private let shape: LlamaShape
    private let context: Int
    private let stream, normed, query, key, value, attended, gate, up, logits: Memory<Float>
    private let partials: Memory<Float>
    private let quantised: Memory<Int8>
    private let scales: Memory<Float>
    private let sums: Memory<Int16>
    private let cosine, sine: Memory<Float>
    /// Floats of a partial result of attention.
    private let partialSize: Int

    init(
        model: LlamaModel, pool: ThreadPool, context: Int, kernels: UnsafePointer<ck_kernels> = ck_kernels_at(0)
    ) throws(InferenceError) {
        self.kernels = kernels
        (self.model, self.pool, self.context, shape) = (model, pool, context, model.shape)
        let limit = Self.chunkLimit
        stream = try Memory(count: limit * shape.width)
        normed = try Memory(count: limit * max(shape.width, shape.queryWidth))
        query = try Memory(count: limit * shape.queryWidth)
        key = try Memory(count: limit * shape.keyWidth)
        value = try Memory(count: limit * shape.keyWidth)
        attended = try Memory(count: limit * shape.queryWidth)
        gate = try Memory(count: limit * shape.hidden)
        up = try Memory(count: limit * shape.hidden)
        logits = try Memory(count: shape.vocabulary)
        partialSize = 2 + ck_padded(shape.headWidth)
        partials = try Memory(count: shape.heads * max(limit, Self.spans(of: context)) * partialSize)
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
            attend(layer, first: first, count: tokens.count) { cache.memory(layer: index, head: $0) }
            feedForward(layer, count: tokens.count)
        }
        cache.append(tokens)
        return wantsLogits ? score(column: tokens.count - 1) : nil
    }

    /// Overwrites everything that was derived from tokens.
    func wipe() {
        let floats = [stream, normed, query, key, value, attended, gate, up, logits, partials, scales]
        for memory in floats { memory.wipe(0..<memory.count) }
        quantised.wipe(0..<quantised.count)
        sums.wipe(0..<sums.count)
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

    private func attend(_ layer: LlamaModel.Layer, first: Int, count: Int, memory: (Int) -> ck_memory) {
        norm(layer.attentionNorm, count: count)
        let input = prepare(normed.start, width: shape.width, count: count, for: [layer.query, layer.key, layer.value])
        multiply(layer.query, input, count: count, into: query.start, stride: shape.queryWidth)
        multiply(layer.key, input, count: count, into: key.start, stride: shape.keyWidth)
        multiply(layer.value, input, count: count, into: value.start, stride: shape.keyWidth)
        for column in 0..<count {
            ck_add(query.start + column * shape.queryWidth, layer.queryBias, layer.queryBias.count)
            ck_add(key.start + column * shape.keyWidth, layer.keyBias, layer.keyBias.count)
            ck_add(value.start + column * shape.keyWidth, layer.valueBias, layer.valueBias.count)
        }
        pool.run(shape.keyHeads) { self.remember(head: $0, first: first, count: count, in: memory($0)) }
        if count == 1 { attendBySpans(position: first, memory) } else { attendByColumns(first, count, memory) }
        let result = prepare(attended.start, width: shape.queryWidth, count: count, for: [layer.output])
        multiply(layer.output, result, count: count, into: normed.start, stride: shape.width)
        ck_add(stream.start, normed.start, count * shape.width)
    }

    private var group: Int { shape.heads / shape.keyHeads }

    /// Rotates the queries and the key of a head, and stores the key and the value.
    private func remember(head: Int, first: Int, count: Int, in memory: ck_memory) {
        var memory = memory
        for column in 0..<count {
            let offset = column * shape.keyWidth + head * shape.headWidth
            let queries = column * shape.queryWidth + head * group * shape.headWidth
            rotate(query.start + queries, heads: group, column: column)
            rotate(key.start + offset, heads: 1, column: column)
            ck_remember(&memory, first + column, key.start + offset, value.start + offset)
        }
    }

    private static func spans(of positions: Int) -> Int { (positions + Int(CK_SPAN) - 1) / Int(CK_SPAN) }

    /// One token: every span of every head is a piece of work, and what comes of them is put together at the end.
    private func attendBySpans(position: Int, _ memory: (Int) -> ck_memory) {
        let (spans, width) = (Self.spans(of: position + 1), shape.headWidth)
        let scale = 1 / Float(width).squareRoot()
        pool.run(shape.keyHeads * spans) { item in
            let (head, span) = (item / spans, item % spans)
            let queries = head * self.group
            var memory = memory(head)
            ck_attend(
                self.kernels, &memory, self.query.start + queries * width, 0, 1, self.group, position, span, 1, scale,
                self.partials.start + (queries * spans + span) * self.partialSize, spans * self.partialSize)
        }
        for head in 0..<shape.heads {
            kernels.pointee.gather(
                partials.start + head * spans * partialSize, spans, width, attended.start + head * width)
        }
    }

    /// Many tokens: some of them by one head's queries are a piece of work.
    private func attendByColumns(_ first: Int, _ count: Int, _ memory: (Int) -> ck_memory) {
        let (width, stride) = (shape.headWidth, shape.queryWidth)
        let scale = 1 / Float(width).squareRoot()
        let tiles = (count + Self.columnsAttended - 1) / Self.columnsAttended
        pool.run(shape.keyHeads * tiles) { item in
            let (head, column) = (item / tiles, item % tiles * Self.columnsAttended)
            let columns = min(Self.columnsAttended, count - column)
            let offset = column * stride + head * self.group * width
            let partials =
                self.partials.start + (column * self.shape.heads + head * columns * self.group) * self.partialSize
            var memory = memory(head)
            ck_attend(
                self.kernels, &memory, self.query.start + offset, stride, columns, self.group, first + column, 0,
                Self.spans(of: first + column + columns), scale, partials, self.partialSize)
            for index in 0..<columns * self.group {
                self.kernels.pointee.gather(
                    partials + index * self.partialSize, 1, width,
                    self.attended.start + offset + index / self.group * stride + index % self.group * width)
            }
        }
    }

    private func rotate(_ x: UnsafeMutablePointer<Float>, heads: Int, column: Int) {
        let offset = column * shape.rotated / 2
        ck_rotate(
            x, heads, shape.headWidth, shape.rotated, cosine.start + offset, sine.start + offset,
            shape.rotatesHalves ? 1 : 0)
    }

    private func feedForward(_ layer: LlamaModel.Layer, count: Int) {
        norm(layer.feedForwardNorm, count: count)
        let input = prepare(normed.start, width: shape.width, count: count, for: [layer.gate, layer.up])
        multiply(layer.gate, input, count: count, into: gate.start, stride: shape.hidden)
        multiply(layer.up, input, count: count, into: up.start, stride: shape.hidden)
        pool.run(count) { column in
            let offset = column * self.shape.hidden
            self.kernels.pointee.silu_multiply(self.gate.start + offset, self.up.start + offset, self.shape.hidden)
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
        let lanes = count > Self.fewColumns ? kernels.pointee.lanes : 1
        let columns = ck_activations(q: quantised.start, scale: scales.start, sum: sums.start, lanes: lanes)
        guard tensors.contains(where: \.type.isQuantised) else { return Input(floats: x, quantised: columns) }
        // Columns that lie interleaved are written by one thread.
        pool.run((count + lanes - 1) / lanes) { group in
            for column in group * lanes..<min((group + 1) * lanes, count) {
                self.kernels.pointee.quantize(x + column * width, width, column, columns)
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
            self.kernels.pointee.multiply(
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
