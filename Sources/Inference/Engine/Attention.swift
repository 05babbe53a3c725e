import CKernels
import Glibc

/// Attention of every token of a batch over its own sequence: queries, keys and values in, what was attended to out.
///
/// All matrices are `[columns, width]`, one column per token of the batch. One per engine; the engine's thread only.
final class Attention {
    /// Columns of a passage whose attention is one piece of work.
    ///
    /// *Our choice*: enough pieces for many threads, few enough readings of the keys.
    private static let columnsAttended = 4
    /// Heads of columns whose keys and values are stored by one piece of work.
    ///
    /// *Our choice*: so few that a hand-over between threads would cost more stay on one.
    private static let headsStored = 16

    let query, key, value, attended: Memory<Float>
    private let shape: LlamaShape
    private let batch: Batch
    private let pool: ThreadPool
    private let kernels: UnsafePointer<ck_kernels>
    /// How fast each pair of a head is rotated, radians a position.
    private let frequencies: [Float]
    private let cosine, sine, partials: Memory<Float>
    /// What is added to query, key and value of each layer.
    private let biases: [Memory<Float>?]
    /// Floats of a partial result.
    private let partialSize: Int
    private var storeHeads = ThreadPool.Loop { _ in }
    private var attendSpans = ThreadPool.Loop { _ in }
    // While a batch is read:
    private var works: [Work] = []
    private var layer = 0
    /// Partial results that any batch had.
    private var partialsUsed = 0

    /// How the attention of a passage is divided.
    ///
    /// One token: every span of every head is a piece of work. More: some tokens by one head's queries are. What comes of
    /// a piece lies as `[head of the keys, column, head of the group, span]` for the columns of a tile.
    private struct Work {
        let passage: Batch.Passage
        let tiles: Int
        /// Partial results of a query.
        let spans: Int
        let firstPiece: Int
        let firstPartial: Int
    }

    init(
        model: LlamaModel, batch: Batch, pool: ThreadPool, context: Int, kernels: UnsafePointer<ck_kernels>
    ) throws(InferenceError) {
        (self.batch, self.pool, self.kernels, shape) = (batch, pool, kernels, model.shape)
        let limit = Batch.columnLimit
        query = try Memory(count: limit * shape.queryWidth)
        key = try Memory(count: limit * shape.keyWidth)
        value = try Memory(count: limit * shape.keyWidth)
        attended = try Memory(count: limit * shape.queryWidth)
        cosine = try Memory(count: limit * shape.rotated / 2)
        sine = try Memory(count: limit * shape.rotated / 2)
        partialSize = 2 + ck_padded(shape.headWidth)
        partials = try Memory(
            count: shape.heads * (limit + Batch.passageLimit * Self.spans(of: context)) * partialSize)
        let shape = shape
        frequencies = (0..<shape.rotated / 2).map {
            pow(shape.ropeBase, -2 * Float($0) / Float(shape.rotated)) / model.frequencyFactors[$0]
        }
        var biases: [Memory<Float>?] = []
        for layer in model.layers { biases.append(try layer.biases()) }
        self.biases = biases
        works.reserveCapacity(Batch.passageLimit)
        storeHeads = ThreadPool.Loop { [unowned(unsafe) self] in store($0) }
        attendSpans = ThreadPool.Loop { [unowned(unsafe) self] in attend($0) }
    }

    /// Prepares for what the batch holds.
    func begin() {
        var (pieces, partial) = (0, 0)
        for passage in batch.passages {
            let count = passage.columns.count
            let spans = count == 1 ? Self.spans(of: passage.position + 1) : 1
            let tiles = (count + Self.columnsAttended - 1) / Self.columnsAttended
            works.append(
                Work(passage: passage, tiles: tiles, spans: spans, firstPiece: pieces, firstPartial: partial))
            pieces += shape.keyHeads * tiles * spans
            partial += shape.heads * count * spans
            for column in passage.columns {
                prepareRotation(column, position: passage.position + column - passage.columns.lowerBound)
            }
        }
        partialsUsed = max(partialsUsed, partial)
    }

    /// Stores the keys and values of the batch for a layer, and attends to them and all before.
    ///
    /// What comes of it is put together by `gather`.
    func run(layer: Int) {
        self.layer = layer
        pool.run((batch.tokens.count * shape.keyHeads + Self.headsStored - 1) / Self.headsStored, storeHeads)
        guard let last = works.last else { return }
        pool.run(last.firstPiece + shape.keyHeads * last.tiles * last.spans, attendSpans)
    }

    /// Puts together what a column attended to, as a row of `attended`.
    func gather(_ column: Int, to row: Int) {
        guard let work = works.last(where: { $0.passage.columns.lowerBound <= column }) else { return }
        for head in 0..<shape.heads {
            let first = partial(work, column - work.passage.columns.lowerBound, keyHead: head / group)
            kernels.pointee.gather(
                partials.start + (first + head % group * work.spans) * partialSize, work.spans, shape.headWidth,
                attended.start + row * shape.queryWidth + head * shape.headWidth)
        }
    }

    /// Lets go of the batch's sequences: one that is closed is zeroed at once.
    func end() { works.removeAll(keepingCapacity: true) }

    /// Overwrites what the first `columns` columns of any batch came to.
    func wipe(columns: Int) {
        query.wipe(0..<columns * shape.queryWidth)
        key.wipe(0..<columns * shape.keyWidth)
        value.wipe(0..<columns * shape.keyWidth)
        attended.wipe(0..<columns * shape.queryWidth)
        partials.wipe(0..<partialsUsed * partialSize)
        partialsUsed = 0
    }

    // MARK: - By any thread

    /// Rotates the queries and the key of some heads, and stores the key and the value.
    private func store(_ piece: Int) {
        let end = min((piece + 1) * Self.headsStored, batch.tokens.count * shape.keyHeads)
        for item in piece * Self.headsStored..<end {
            let (column, head) = item.quotientAndRemainder(dividingBy: shape.keyHeads)
            guard let passage = batch.passages.last(where: { $0.columns.lowerBound <= column }) else { return }
            let queryHead = head * group * shape.headWidth
            let keyHead = head * shape.headWidth
            let queries = query.start + column * shape.queryWidth + queryHead
            let key = key.start + column * shape.keyWidth + keyHead
            let value = value.start + column * shape.keyWidth + keyHead
            if let bias = biases[layer] {
                ck_add(queries, bias.start + queryHead, group * shape.headWidth)
                ck_add(key, bias.start + shape.queryWidth + keyHead, shape.headWidth)
                ck_add(value, bias.start + shape.queryWidth + shape.keyWidth + keyHead, shape.headWidth)
            }
            rotate(queries, heads: group, column)
            rotate(key, heads: 1, column)
            var memory = passage.cache.memory(layer: layer, head: head)
            ck_remember(&memory, passage.position + column - passage.columns.lowerBound, key, value)
        }
    }

    private func attend(_ piece: Int) {
        guard let work = works.last(where: { $0.firstPiece <= piece }) else { return }
        let (head, rest) = (piece - work.firstPiece).quotientAndRemainder(dividingBy: work.tiles * work.spans)
        let (tile, span) = rest.quotientAndRemainder(dividingBy: work.spans)
        let (columns, column) = (work.passage.columns, tile * Self.columnsAttended)
        let count = min(Self.columnsAttended, columns.count - column)
        let position = work.passage.position + column
        var memory = work.passage.cache.memory(layer: layer, head: head)
        ck_attend(
            kernels, &memory,
            query.start + (columns.lowerBound + column) * shape.queryWidth + head * group * shape.headWidth,
            shape.queryWidth, count, group, position, span, columns.count == 1 ? 1 : Self.spans(of: position + count),
            1 / Float(shape.headWidth).squareRoot(),
            partials.start + (partial(work, column, keyHead: head) + span) * partialSize, work.spans * partialSize)
    }

    /// Where the partial results of a column's queries by one head of the keys begin.
    private func partial(_ work: Work, _ column: Int, keyHead: Int) -> Int {
        let tile = column / Self.columnsAttended * Self.columnsAttended
        let count = min(Self.columnsAttended, work.passage.columns.count - tile)
        return work.firstPartial + (tile * shape.heads + (keyHead * count + column - tile) * group) * work.spans
    }

    private func rotate(_ x: UnsafeMutablePointer<Float>, heads: Int, _ column: Int) {
        let offset = column * shape.rotated / 2
        ck_rotate(
            x, heads, shape.headWidth, shape.rotated, cosine.start + offset, sine.start + offset,
            shape.rotatesHalves ? 1 : 0)
    }

    private func prepareRotation(_ column: Int, position: Int) {
        let offset = column * shape.rotated / 2
        for (index, frequency) in frequencies.enumerated() {
            let angle = Float(position) * shape.ropeScale * frequency
            cosine.start[offset + index] = cos(angle)
            sine.start[offset + index] = sin(angle)
        }
    }

    /// Heads that share keys and values.
    private var group: Int { shape.heads / shape.keyHeads }
    private static func spans(of positions: Int) -> Int { (positions + Int(CK_SPAN) - 1) / Int(CK_SPAN) }
}

extension LlamaModel.Layer {
    /// What is added to query, key and value, one after the other; nil where the model has none.
    fileprivate func biases() throws(InferenceError) -> Memory<Float>? {
        let all = queryBias + keyBias + valueBias
        guard !all.isEmpty else { return nil }
        let memory = try Memory<Float>(count: all.count)
        for (index, bias) in all.enumerated() { memory.start[index] = bias }
        return memory
    }
}
