import CKernels

/// The columns of a step, rounded to whole numbers; what all steps of an engine use in turns.
final class RoundedColumns {
    private let quantised: Memory<Int8>
    private let scales: Memory<Float>
    private let sums: Memory<Int16>
    private let width: Int

    /// - Parameters:
    ///   - columns: most columns of a step, a multiple of 16.
    ///   - width: largest width of a matrix.
    init(columns: Int, width: Int) throws(InferenceError) {
        // Matrices of different widths use it in turns; a column takes what the widest needs.
        self.width = (width + 31) / 32 * 32
        quantised = try Memory(count: columns * self.width)
        scales = try Memory(count: columns * self.width / 32)
        sums = try Memory(count: columns * self.width / 16)
    }

    func activations(lanes: Int) -> ck_activations {
        ck_activations(q: quantised.start, scale: scales.start, sum: sums.start, lanes: lanes)
    }

    /// Overwrites what the first `columns` columns, a multiple of 16, came to.
    func wipe(columns: Int) {
        quantised.wipe(0..<columns * width)
        scales.wipe(0..<columns * width / 32)
        sums.wipe(0..<columns * width / 16)
    }
}

/// Multiplies columns of activations with weight matrices that share them.
///
/// The columns are made and rounded once, and the rows of all matrices are one loop over the pool. Made once for each
/// place in the model; running it takes no memory.
final class Multiplication {
    /// Rows that a thread takes at a time are a multiple of this.
    ///
    /// *Our choice*: a whole panel of the kernels.
    private static let panel = 24

    /// A matrix, and where its products go: `[columns, rows]`.
    struct Product {
        let tensor: Tensor
        let out: UnsafeMutablePointer<Float>
    }

    /// Rows that a thread takes at a time.
    private struct Piece {
        let product: Product
        let rows: Range<Int>
    }

    private let pool: ThreadPool
    private let kernels: UnsafePointer<ck_kernels>
    private let rounded: RoundedColumns
    private let pieces: [Piece]
    private let input: UnsafeMutablePointer<Float>
    private let width: Int
    private let rounds: Bool
    private var makeColumns = ThreadPool.Loop { _ in }
    private var multiplyRows = ThreadPool.Loop { _ in }
    // While it runs:
    private var count = 0
    private var columns: ck_activations

    /// - Parameters:
    ///   - products: matrices of one width.
    ///   - input: `[columns, width]`, row-major.
    ///   - make: fills in a column of the input; called once for each, by any thread.
    init(
        _ products: [Product], input: UnsafeMutablePointer<Float>, rounded: RoundedColumns, pool: ThreadPool,
        kernels: UnsafePointer<ck_kernels>, make: @escaping (_ column: Int) -> Void
    ) {
        (self.input, self.rounded) = (input, rounded)
        (self.pool, self.kernels) = (pool, kernels)
        width = products[0].tensor.width
        rounds = products.contains(where: \.tensor.type.isQuantised)
        pieces = Self.divided(products, among: pool.threads)
        columns = rounded.activations(lanes: 1)
        makeColumns = ThreadPool.Loop { [unowned(unsafe) self] group in self.make(group, make) }
        multiplyRows = ThreadPool.Loop { [unowned(unsafe) self] in multiply($0) }
    }

    /// Makes the first `count` columns of the input, and multiplies them.
    func run(_ count: Int) {
        guard count > 0 else { return }
        self.count = count
        columns = rounded.activations(lanes: count > kernels.pointee.few ? kernels.pointee.lanes : 1)
        // Columns that lie interleaved are written by one thread.
        pool.run((count + columns.lanes - 1) / columns.lanes, makeColumns)
        pool.run(pieces.count, multiplyRows)
    }

    private func make(_ group: Int, _ make: (Int) -> Void) {
        for column in group * columns.lanes..<min((group + 1) * columns.lanes, count) {
            make(column)
            if rounds { kernels.pointee.quantize(input + column * width, width, column, columns) }
        }
    }

    private func multiply(_ index: Int) {
        let (product, rows) = (pieces[index].product, pieces[index].rows)
        let tensor = product.tensor
        kernels.pointee.multiply(
            Int32(tensor.type.rawValue), tensor.bytes, width, rows.lowerBound, rows.upperBound, input, columns, count,
            product.out, tensor.rows)
    }

    /// Divides the rows of all matrices: less and less at a time, so that threads end together though some lose their
    /// core meanwhile, and yet most is read in long pieces, of which memory gives more.
    private static func divided(_ products: [Product], among threads: Int) -> [Piece] {
        var left = products.reduce(0) { $0 + $1.tensor.rows }
        var pieces: [Piece] = []
        for product in products {
            var first = 0
            while first < product.tensor.rows {
                let share = left * 2 / (3 * threads) / panel * panel
                let count = min(max(share, panel), product.tensor.rows - first)
                pieces.append(Piece(product: product, rows: first..<first + count))
                (first, left) = (first + count, left - count)
            }
        }
        return pieces
    }
}
