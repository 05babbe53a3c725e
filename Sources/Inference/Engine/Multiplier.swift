import CKernels

/// Multiplies columns of activations with weight matrices.
///
/// Matrices that share their input are one step: the columns are made and rounded once, and the rows of all of them are
/// one loop over the pool.
final class Multiplier {
    /// Rows that a thread takes at a time are a multiple of this, and how often it comes back for more.
    ///
    /// *Our choice*: a whole panel of the kernels; several pieces even out threads that lost their core.
    private static let panel = 24
    private static let pieces = 4
    /// Most columns that are multiplied one by one.
    ///
    /// *Our choice*: from then on sixteen at once, some of them idle, are faster.
    private static let fewColumns = 3

    /// A matrix, and where its products go: `[columns, rows]`.
    struct Product {
        let tensor: Tensor
        let out: UnsafeMutablePointer<Float>
    }

    private let pool: ThreadPool
    private let kernels: UnsafePointer<ck_kernels>
    private let quantised: Memory<Int8>
    private let scales: Memory<Float>
    private let sums: Memory<Int16>

    /// - Parameters:
    ///   - columns: most columns of a step, a multiple of 16.
    ///   - width: largest width of a matrix.
    init(
        pool: ThreadPool, kernels: UnsafePointer<ck_kernels>, columns: Int, width: Int
    ) throws(InferenceError) {
        (self.pool, self.kernels) = (pool, kernels)
        quantised = try Memory(count: columns * width)
        scales = try Memory(count: columns * (width / 32 + 1))
        sums = try Memory(count: columns * (width / 16 + 1))
    }

    /// - Parameters:
    ///   - products: matrices of one width.
    ///   - input: `[count, width]`, row-major.
    ///   - make: fills in a column of the input; called once for each, by any thread.
    func run(_ products: [Product], input: UnsafePointer<Float>, count: Int, make: (Int) -> Void) {
        let width = products[0].tensor.width
        let lanes = count > Self.fewColumns ? kernels.pointee.lanes : 1
        let columns = ck_activations(q: quantised.start, scale: scales.start, sum: sums.start, lanes: lanes)
        let rounds = products.contains(where: \.tensor.type.isQuantised)
        // Columns that lie interleaved are written by one thread.
        pool.run((count + lanes - 1) / lanes) { group in
            for column in group * lanes..<min((group + 1) * lanes, count) {
                make(column)
                if rounds { kernels.pointee.quantize(input + column * width, width, column, columns) }
            }
        }
        let panels = products.reduce(0) { $0 + panelCount($1) }
        let wanted = pool.threads * Self.pieces
        let rows = (panels + wanted - 1) / wanted * Self.panel
        pool.run(products.reduce(0) { $0 + chunkCount($1, rows) }) { chunk in
            var chunk = chunk
            for product in products {
                let own = chunkCount(product, rows)
                if chunk < own {
                    let tensor = product.tensor
                    return kernels.pointee.multiply(
                        Int32(tensor.type.rawValue), tensor.bytes, width, chunk * rows,
                        min((chunk + 1) * rows, tensor.rows), input, columns, count, product.out, tensor.rows)
                }
                chunk -= own
            }
        }
    }

    private func panelCount(_ product: Product) -> Int { chunkCount(product, Self.panel) }
    private func chunkCount(_ product: Product, _ rows: Int) -> Int { (product.tensor.rows + rows - 1) / rows }

    /// Overwrites everything that was derived from tokens.
    func wipe() {
        quantised.wipe(0..<quantised.count)
        scales.wipe(0..<scales.count)
        sums.wipe(0..<sums.count)
    }
}
