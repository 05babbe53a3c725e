/// The tensor types that the kernels run, by their GGUF ids.
enum TensorType: UInt32, CaseIterable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q8_0 = 8

    /// Elements of a block.
    var blockCount: Int { isQuantised ? 32 : 1 }

    /// Bytes of a block.
    var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16: 2
        case .q4_0: 18
        case .q8_0: 34
        }
    }

    var isQuantised: Bool { self == .q4_0 || self == .q8_0 }

    var name: String {
        switch self {
        case .f32: "F32"
        case .f16: "F16"
        case .q4_0: "Q4_0"
        case .q8_0: "Q8_0"
        }
    }
}

/// A weight matrix inside the mapped file, `[rows, width]`, row-major.
struct Tensor: @unchecked Sendable {
    let type: TensorType
    let width: Int
    let rows: Int
    /// Within the mapping, which outlives every tensor, and never written.
    let bytes: UnsafeRawPointer

    var count: Int { width * rows }
}
