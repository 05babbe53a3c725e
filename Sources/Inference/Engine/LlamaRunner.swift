import CKernels

/// Computes a model of the Llama family: a batch of tokens and the caches of their sequences in, logits out.
///
/// One per engine; used by the engine's thread only.
///
/// x ← embedding; for each layer: x += output(attention(rope(q), rope(k), v)) and x += down(silu(gate) · up), each on
/// the normed x; logits ← head(norm(x)). A sum is taken when the next step makes its columns.
/// All matrices are `[columns, width]`, one column per token of the batch.
final class LlamaRunner {
    /// The multiplications of a layer, in their order.
    private struct Layer {
        let attention, output, feedForward, down: Multiplication
    }

    /// What is read next.
    let batch = Batch()
    private let model: LlamaModel
    private let shape: LlamaShape
    private let kernels: UnsafePointer<ck_kernels>
    private let rounded: RoundedColumns
    private let attention: Attention
    private let stream, normed, change, gate, up, logits: Memory<Float>
    private var layers: [Layer] = []
    private var head: Multiplication?
    /// The columns of the batch that are still computed, in order: row i of every matrix is the i-th of them.
    private var kept: [Int] = []
    /// Most columns and rows of logits of a batch since everything was overwritten.
    private var (columnsUsed, scoresUsed) = (0, 0)

    init(
        model: LlamaModel, pool: ThreadPool, context: Int, kernels: UnsafePointer<ck_kernels> = ck_kernels_at(0)
    ) throws(InferenceError) {
        (self.model, self.kernels, shape) = (model, kernels, model.shape)
        let limit = Batch.columnLimit
        stream = try Memory(count: limit * shape.width)
        normed = try Memory(count: limit * shape.width)
        change = try Memory(count: limit * shape.width)
        gate = try Memory(count: limit * shape.hidden)
        up = try Memory(count: limit * shape.hidden)
        logits = try Memory(count: Batch.scoreLimit * shape.vocabulary)
        rounded = try RoundedColumns(columns: limit, width: max(shape.width, shape.queryWidth, shape.hidden))
        attention = try Attention(model: model, batch: batch, pool: pool, context: context, kernels: kernels)
        kept.reserveCapacity(limit)
        layers = model.layers.map { steps(of: $0, pool) }
        head = multiplication([(model.head, logits)], of: normed, pool) { [unowned(unsafe) self] in norm(model.norm, $0)
        }
    }

    private func steps(of layer: LlamaModel.Layer, _ pool: ThreadPool) -> Layer {
        Layer(
            attention: multiplication(
                [(layer.query, attention.query), (layer.key, attention.key), (layer.value, attention.value)],
                of: normed, pool
            ) { [unowned(unsafe) self] in norm(layer.attentionNorm, $0) },
            output: multiplication([(layer.output, change)], of: attention.attended, pool) {
                [unowned(unsafe) self] in attention.gather(kept[$0], to: $0)
            },
            feedForward: multiplication([(layer.gate, gate), (layer.up, up)], of: normed, pool) {
                [unowned(unsafe) self] in norm(layer.feedForwardNorm, $0)
            },
            down: multiplication([(layer.down, change)], of: gate, pool) { [unowned(unsafe) self] column in
                let offset = column * shape.hidden
                kernels.pointee.silu_multiply(gate.start + offset, up.start + offset, shape.hidden)
            })
    }

    private func multiplication(
        _ products: [(Tensor, Memory<Float>)], of input: Memory<Float>, _ pool: ThreadPool,
        make: @escaping (Int) -> Void
    ) -> Multiplication {
        Multiplication(
            products.map { .init(tensor: $0, out: $1.start) }, input: input.start, rounded: rounded, pool: pool,
            kernels: kernels, make: make)
    }

    /// Reads the batch, whose tokens are then in their sequences' caches, and clears it.
    ///
    /// Takes no memory. The logits that were wanted are in `logits(row:)` until the next batch is read.
    func read() {
        (columnsUsed, scoresUsed) = (max(columnsUsed, batch.tokens.count), max(scoresUsed, batch.scores))
        embed()
        attention.begin()
        for index in layers.indices {
            layers[index].attention.run(kept.count)
            attention.run(layer: index)
            // Of the others, only keys and values are of use to anybody from here on.
            if index == layers.count - 1 { keepScored() }
            layers[index].output.run(kept.count)
            layers[index].feedForward.run(kept.count)
            layers[index].down.run(kept.count)
        }
        head?.run(kept.count)
        attention.end()
        batch.finish()
        batch.clear()
    }

    /// Logits `[vocabulary]` of a token of the last batch, valid until the next.
    /// - Parameter row: as `Batch.add` gave it.
    func logits(row: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: logits.start + row * shape.vocabulary, count: shape.vocabulary)
    }

    /// Overwrites everything that was derived from tokens.
    func wipe() {
        // Rounded columns lie sixteen by sixteen.
        let columns = (columnsUsed + 15) / 16 * 16
        rounded.wipe(columns: columns)
        attention.wipe(columns: columns)
        for memory in [stream, normed, change] { memory.wipe(0..<columns * shape.width) }
        for memory in [gate, up] { memory.wipe(0..<columns * shape.hidden) }
        logits.wipe(0..<scoresUsed * shape.vocabulary)
        (columnsUsed, scoresUsed) = (0, 0)
    }

    private func embed() {
        let table = model.embedding
        let rowBytes = table.width / table.type.blockCount * table.type.blockBytes
        for (column, token) in batch.tokens.enumerated() {
            ck_dequantize(
                Int32(table.type.rawValue), table.bytes + Int(token) * rowBytes, shape.width,
                stream.start + column * shape.width)
        }
        change.wipe(0..<batch.tokens.count * shape.width)
        kept.removeAll(keepingCapacity: true)
        kept += batch.tokens.indices
    }

    /// Moves the rows whose logits are wanted together.
    private func keepScored() {
        kept.removeAll(keepingCapacity: true)
        for passage in batch.passages { kept += passage.columns.suffix(passage.scored) }
        for (row, column) in kept.enumerated() where row != column {
            (stream.start + row * shape.width).update(from: stream.start + column * shape.width, count: shape.width)
        }
    }

    /// Adds what the last step came to, and norms the sum.
    private func norm(_ weight: [Float], _ row: Int) {
        let offset = row * shape.width
        ck_add(stream.start + offset, change.start + offset, shape.width)
        ck_rms_norm(stream.start + offset, weight, shape.width, shape.epsilon, normed.start + offset)
    }
}
