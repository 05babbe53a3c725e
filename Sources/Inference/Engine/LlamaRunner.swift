import CKernels
import Glibc

/// Computes a model of the Llama family: token ids and a cache in, logits out.
///
/// One per engine; used by the engine's thread only.
///
/// x ← embedding; for each layer: x += output(attention(rope(q), rope(k), v)) and x += down(silu(gate) · up), each on
/// the normed x; logits ← head(norm(x)). A sum is taken when the next step makes its columns.
/// All matrices are `[columns, width]`, one column per token of the chunk.
final class LlamaRunner {
    /// Most tokens read at once.
    ///
    /// *Our choice*: large enough that a weight row is unpacked once for many tokens, small enough to stop within a
    /// fraction of a second.
    static let chunkLimit = 128
    /// Columns whose attention is one piece of work.
    ///
    /// *Our choice*: enough pieces for many threads, few enough readings of the keys.
    private static let columnsAttended = 4

    /// The matrices of a layer, by step.
    private struct Steps {
        let attention, output, feedForward, down: [Multiplier.Product]
    }

    private let model: LlamaModel
    private let kernels: UnsafePointer<ck_kernels>
    private let pool: ThreadPool
    private let multiplier: Multiplier
    private let steps: [Steps]
    private let head: [Multiplier.Product]
    private let shape: LlamaShape
    private let context: Int
    private let stream, normed, change, query, key, value, attended, gate, up, logits: Memory<Float>
    private let partials: Memory<Float>
    private let cosine, sine: Memory<Float>
    /// Floats of a partial result of attention.
    private let partialSize: Int

    init(
        model: LlamaModel, pool: ThreadPool, context: Int, kernels: UnsafePointer<ck_kernels> = ck_kernels_at(0)
    ) throws(InferenceError) {
        (self.model, self.pool, self.context, shape) = (model, pool, context, model.shape)
        self.kernels = kernels
        let limit = Self.chunkLimit
        stream = try Memory(count: limit * shape.width)
        normed = try Memory(count: limit * shape.width)
        change = try Memory(count: limit * shape.width)
        query = try Memory(count: limit * shape.queryWidth)
        key = try Memory(count: limit * shape.keyWidth)
        value = try Memory(count: limit * shape.keyWidth)
        attended = try Memory(count: limit * shape.queryWidth)
        gate = try Memory(count: limit * shape.hidden)
        up = try Memory(count: limit * shape.hidden)
        logits = try Memory(count: shape.vocabulary)
        partialSize = 2 + ck_padded(shape.headWidth)
        partials = try Memory(count: shape.heads * max(limit, Self.spans(of: context)) * partialSize)
        cosine = try Memory(count: limit * shape.rotated / 2)
        sine = try Memory(count: limit * shape.rotated / 2)
        multiplier = try Multiplier(
            pool: pool, kernels: kernels, columns: limit, width: max(shape.width, shape.queryWidth, shape.hidden))
        let (query, key, value, change) = (query.start, key.start, value.start, change.start)
        let (gate, up) = (gate.start, up.start)
        steps = model.layers.map { layer in
            Steps(
                attention: [
                    .init(tensor: layer.query, out: query), .init(tensor: layer.key, out: key),
                    .init(tensor: layer.value, out: value),
                ],
                output: [.init(tensor: layer.output, out: change)],
                feedForward: [.init(tensor: layer.gate, out: gate), .init(tensor: layer.up, out: up)],
                down: [.init(tensor: layer.down, out: change)])
        }
        head = [.init(tensor: model.head, out: logits.start)]
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
        change.wipe(0..<tokens.count * shape.width)
        for index in model.layers.indices {
            attend(layer: index, first: first, count: tokens.count) { cache.memory(layer: index, head: $0) }
            feedForward(layer: index, count: tokens.count)
        }
        cache.append(tokens)
        return wantsLogits ? score(column: tokens.count - 1) : nil
    }

    /// Overwrites everything that was derived from tokens.
    func wipe() {
        multiplier.wipe()
        let floats = [stream, normed, change, query, key, value, attended, gate, up, logits, partials]
        for memory in floats { memory.wipe(0..<memory.count) }
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

    private func attend(layer index: Int, first: Int, count: Int, memory: (Int) -> ck_memory) {
        let (layer, steps) = (model.layers[index], steps[index])
        multiplier.run(steps.attention, input: normed.start, count: count) { norm(layer.attentionNorm, column: $0) }
        for column in 0..<count {
            ck_add(query.start + column * shape.queryWidth, layer.queryBias, layer.queryBias.count)
            ck_add(key.start + column * shape.keyWidth, layer.keyBias, layer.keyBias.count)
            ck_add(value.start + column * shape.keyWidth, layer.valueBias, layer.valueBias.count)
        }
        pool.run(shape.keyHeads) { self.remember(head: $0, first: first, count: count, in: memory($0)) }
        if count == 1 { attendBySpans(position: first, memory) } else { attendByColumns(first, count, memory) }
        multiplier.run(steps.output, input: attended.start, count: count) { _ in }
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

    private func feedForward(layer index: Int, count: Int) {
        let (layer, steps) = (model.layers[index], steps[index])
        multiplier.run(steps.feedForward, input: normed.start, count: count) { norm(layer.feedForwardNorm, column: $0) }
        multiplier.run(steps.down, input: gate.start, count: count) { column in
            let offset = column * shape.hidden
            kernels.pointee.silu_multiply(gate.start + offset, up.start + offset, shape.hidden)
        }
    }

    private func score(column: Int) -> UnsafeBufferPointer<Float> {
        let offset = column * shape.width
        multiplier.run(head, input: normed.start + offset, count: 1) { _ in norm(model.norm, column: column) }
        return UnsafeBufferPointer(start: logits.start, count: shape.vocabulary)
    }

    /// Adds what the last step came to, and norms the sum.
    private func norm(_ weight: [Float], column: Int) {
        let offset = column * shape.width
        ck_add(stream.start + offset, change.start + offset, shape.width)
        ck_rms_norm(stream.start + offset, weight, shape.width, shape.epsilon, normed.start + offset)
    }
}
