/// The shape of a Llama model.
struct LlamaShape: Sendable, Equatable {
    /// *Our choice*: a shorter context holds no conversation.
    static let contextFloor = 8

    let layers: Int
    /// Width of the residual stream.
    let width: Int
    /// Width of the feed-forward network.
    let hidden: Int
    let heads: Int
    let keyHeads: Int
    let headWidth: Int
    /// How many of a head's values are rotated.
    let rotated: Int
    let vocabulary: Int
    let context: Int
    let epsilon: Float
    let ropeBase: Float

    var keyWidth: Int { keyHeads * headWidth }
    var queryWidth: Int { heads * headWidth }
}

/// The weights of a Llama model, as views into its file, checked against its shape.
struct LlamaModel: Sendable {
    struct Layer: Sendable {
        let attentionNorm: [Float]
        let query, key, value, output: Tensor
        let feedForwardNorm: [Float]
        let gate, up, down: Tensor
    }

    let shape: LlamaShape
    let embedding: Tensor
    let layers: [Layer]
    let norm: [Float]
    let head: Tensor
    /// Divisors of the rotation frequencies (`rope_freqs`), or ones.
    let frequencyFactors: [Float]

    init(file: ModelFile) throws(InferenceError) {
        guard file.architecture == "llama" else { throw .unsupportedArchitecture(String(file.architecture.prefix(64))) }
        let shape = try LlamaShape(file: file)
        self.shape = shape
        embedding = try file.tensor("token_embd.weight", width: shape.width, rows: shape.vocabulary)
        head =
            file.hasTensor("output.weight")
            ? try file.tensor("output.weight", width: shape.width, rows: shape.vocabulary) : embedding
        norm = try file.floats("output_norm.weight", count: shape.width)
        frequencyFactors =
            file.hasTensor("rope_freqs.weight")
            ? try file.floats("rope_freqs.weight", count: shape.rotated / 2)
            : [Float](repeating: 1, count: shape.rotated / 2)
        var layers: [Layer] = []
        for index in 0..<shape.layers { layers.append(try Layer(file: file, prefix: "blk.\(index)", shape: shape)) }
        self.layers = layers
    }
}

extension LlamaModel.Layer {
    init(file: ModelFile, prefix: String, shape: LlamaShape) throws(InferenceError) {
        attentionNorm = try file.floats("\(prefix).attn_norm.weight", count: shape.width)
        query = try file.tensor("\(prefix).attn_q.weight", width: shape.width, rows: shape.queryWidth)
        key = try file.tensor("\(prefix).attn_k.weight", width: shape.width, rows: shape.keyWidth)
        value = try file.tensor("\(prefix).attn_v.weight", width: shape.width, rows: shape.keyWidth)
        output = try file.tensor("\(prefix).attn_output.weight", width: shape.queryWidth, rows: shape.width)
        feedForwardNorm = try file.floats("\(prefix).ffn_norm.weight", count: shape.width)
        gate = try file.tensor("\(prefix).ffn_gate.weight", width: shape.width, rows: shape.hidden)
        up = try file.tensor("\(prefix).ffn_up.weight", width: shape.width, rows: shape.hidden)
        down = try file.tensor("\(prefix).ffn_down.weight", width: shape.hidden, rows: shape.width)
    }
}

extension LlamaShape {
    /// Reads and bounds the shape: a hostile file must neither overflow an index nor ask for absurd memory.
    init(file: ModelFile) throws(InferenceError) {
        func size(_ key: String, _ range: ClosedRange<Int>, default standard: Int? = nil) throws(InferenceError) -> Int
        {
            guard let value = file.integer("llama.\(key)") ?? standard, range.contains(value) else {
                throw .malformed("llama.\(key)")
            }
            return value
        }
        layers = try size("block_count", 1...512)
        width = try size("embedding_length", 1...65_536)
        hidden = try size("feed_forward_length", 1...1_048_576)
        heads = try size("attention.head_count", 1...1_024)
        keyHeads = try size("attention.head_count_kv", 1...1_024, default: heads)
        guard heads.isMultiple(of: keyHeads) else { throw .malformed("llama.attention.head_count_kv") }
        headWidth = try size("attention.key_length", 1...4_096, default: width / heads)
        guard try size("attention.value_length", 1...4_096, default: headWidth) == headWidth else {
            throw .malformed("llama.attention.value_length")
        }
        rotated = try size("rope.dimension_count", 2...4_096, default: headWidth)
        guard rotated <= headWidth, rotated.isMultiple(of: 2) else { throw .malformed("llama.rope.dimension_count") }
        context = try size("context_length", Self.contextFloor...16_777_216)
        guard let tokens = file.value("tokenizer.ggml.tokens")?.count, (1...Vocabulary.limit).contains(tokens) else {
            throw .malformed("tokenizer.ggml.tokens")
        }
        vocabulary = tokens
        epsilon = file.number("llama.attention.layer_norm_rms_epsilon") ?? 1e-5
        ropeBase = file.number("llama.rope.freq_base") ?? 10_000
        guard epsilon > 0, epsilon < 1, ropeBase >= 1, ropeBase.isFinite else {
            throw .malformed("llama.rope.freq_base")
        }
        let scaling = file.metadataString("llama.rope.scaling.type") ?? "none"
        guard scaling == "none" || file.hasTensor("rope_freqs.weight") else {
            throw .malformed("llama.rope.scaling.type: not supported yet")
        }
    }
}

extension ModelFile {
    /// A small vector as floats, whatever its type.
    func floats(_ name: String, count: Int) throws(InferenceError) -> [Float] {
        let tensor = try tensor(name, width: count, rows: 1)
        guard tensor.type == .f32 else { throw .malformed("type of \(name)") }
        return (0..<count).map {
            Float(bitPattern: tensor.bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self))
        }
    }
}
