/// The tensor types that the kernels run, by their GGUF ids.
enum TensorType: UInt32, CaseIterable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q5_0 = 6
    case q8_0 = 8
    case q4_k = 12
    case q5_k = 13
    case q6_k = 14
    case bf16 = 30

    /// Elements of a block.
    var blockCount: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q4_0, .q5_0, .q8_0: 32
        case .q4_k, .q5_k, .q6_k: 256
        }
    }

    /// Bytes of a block.
    var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0: 18
        case .q5_0: 22
        case .q8_0: 34
        case .q4_k: 144
        case .q5_k: 176
        case .q6_k: 210
        }
    }

    var isQuantised: Bool { blockCount > 1 }

    /// What a tensor type of this id is called, whether the kernels run it or not.
    static func name(_ id: UInt32) -> String { id < names.count ? names[Int(id)] : "type \(id)" }

    private static let names = [
        "F32", "F16", "Q4_0", "Q4_1", "type 4", "type 5", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K",
        "Q5_K",
        "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16",
        "I32",
        "I64", "F64", "IQ1_M", "BF16", "type 31", "type 32", "type 33", "TQ1_0", "TQ2_0", "type 36", "type 37",
        "type 38",
        "MXFP4", "NVFP4",
    ]
}

/// A weight matrix inside the mapped file, `[rows, width]`, row-major.
struct Tensor: @unchecked Sendable {
    let type: TensorType
    let width: Int
    let rows: Int
    /// Within the mapping, which outlives every tensor, and never written.
    let bytes: UnsafeRawPointer

    var count: Int { width * rows }
    var byteCount: Int { count / type.blockCount * type.blockBytes }
}
