/// The shape of a model of the Llama family.
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
    /// What positions are multiplied with before they are rotated by.
    let ropeScale: Float
    /// Whether the values i and i + rotated / 2 are a pair, not 2i and 2i + 1.
    let rotatesHalves: Bool

    var keyWidth: Int { keyHeads * headWidth }
    var queryWidth: Int { heads * headWidth }
}

/// The weights of a model of the Llama family, as views into its file, checked against its shape.
///
/// `qwen2` is Llama with biases on query, key and value, and with the other pairing of rotated values.
struct LlamaModel: Sendable {
    static let architectures = ["llama", "qwen2"]

    struct Layer: Sendable {
        let attentionNorm: [Float]
        let query, key, value, output: Tensor
        /// Added to query, key and value; empty where the model has none.
        let queryBias, keyBias, valueBias: [Float]
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
        guard Self.architectures.contains(file.architecture) else {
            throw .unsupportedArchitecture(String(file.architecture.prefix(64)))
        }
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

extension LlamaModel {
    /// Bytes of the matrices that are read to make one token: all but those embeddings that are not its own.
    var weightsPerToken: Int {
        layers.map { layer in
            [layer.query, layer.key, layer.value, layer.output, layer.gate, layer.up, layer.down].map(\.byteCount)
                .reduce(0, +)
        }.reduce(head.byteCount, +)
    }
}

extension LlamaModel.Layer {
    init(file: ModelFile, prefix: String, shape: LlamaShape) throws(InferenceError) {
        attentionNorm = try file.floats("\(prefix).attn_norm.weight", count: shape.width)
        query = try file.tensor("\(prefix).attn_q.weight", width: shape.width, rows: shape.queryWidth)
        key = try file.tensor("\(prefix).attn_k.weight", width: shape.width, rows: shape.keyWidth)
        value = try file.tensor("\(prefix).attn_v.weight", width: shape.width, rows: shape.keyWidth)
        output = try file.tensor("\(prefix).attn_output.weight", width: shape.queryWidth, rows: shape.width)
        func bias(_ name: String, _ count: Int) throws(InferenceError) -> [Float] {
            let name = "\(prefix).attn_\(name).bias"
            return file.hasTensor(name) ? try file.floats(name, count: count) : []
        }
        queryBias = try bias("q", shape.queryWidth)
        keyBias = try bias("k", shape.keyWidth)
        valueBias = try bias("v", shape.keyWidth)
        guard queryBias.isEmpty == keyBias.isEmpty, keyBias.isEmpty == valueBias.isEmpty else {
            throw .malformed("\(prefix).attn_q.bias, attn_k.bias, attn_v.bias")
        }
        feedForwardNorm = try file.floats("\(prefix).ffn_norm.weight", count: shape.width)
        gate = try file.tensor("\(prefix).ffn_gate.weight", width: shape.width, rows: shape.hidden)
        up = try file.tensor("\(prefix).ffn_up.weight", width: shape.width, rows: shape.hidden)
        down = try file.tensor("\(prefix).ffn_down.weight", width: shape.hidden, rows: shape.width)
    }
}

extension LlamaShape {
    /// Reads and bounds the shape: a hostile file must neither overflow an index nor ask for absurd memory.
    init(file: ModelFile) throws(InferenceError) {
        let family = file.architecture
        func size(_ key: String, _ range: ClosedRange<Int>, default standard: Int? = nil) throws(InferenceError) -> Int
        {
            guard let value = file.integer("\(family).\(key)") ?? standard, range.contains(value) else {
                throw .malformed("\(family).\(key)")
            }
            return value
        }
        layers = try size("block_count", 1...512)
        width = try size("embedding_length", 1...65_536)
        hidden = try size("feed_forward_length", 1...1_048_576)
        heads = try size("attention.head_count", 1...1_024)
        keyHeads = try size("attention.head_count_kv", 1...1_024, default: heads)
        guard heads.isMultiple(of: keyHeads) else { throw .malformed("\(family).attention.head_count_kv") }
        headWidth = try size("attention.key_length", 1...4_096, default: width / heads)
        guard try size("attention.value_length", 1...4_096, default: headWidth) == headWidth else {
            throw .malformed("\(family).attention.value_length")
        }
        rotated = try size("rope.dimension_count", 2...4_096, default: headWidth)
        guard rotated <= headWidth, rotated.isMultiple(of: 2) else {
            throw .malformed("\(family).rope.dimension_count")
        }
        rotatesHalves = family == "qwen2"
        context = try size("context_length", Self.contextFloor...16_777_216)
        guard let tokens = file.value("tokenizer.ggml.tokens")?.count, (1...Vocabulary.limit).contains(tokens) else {
            throw .malformed("tokenizer.ggml.tokens")
        }
        vocabulary = tokens
        epsilon = file.number("\(family).attention.layer_norm_rms_epsilon") ?? 1e-5
        ropeBase = file.number("\(family).rope.freq_base") ?? 10_000
        guard epsilon > 0, epsilon < 1, ropeBase >= 1, ropeBase.isFinite else {
            throw .malformed("\(family).rope.freq_base")
        }
        ropeScale = try file.ropeScale()
    }
}

extension ModelFile {
    /// The factor of positions.
    ///
    /// Llama 3's own scaling is no factor but a tensor, `rope_freqs.weight`.
    fileprivate func ropeScale() throws(InferenceError) -> Float {
        let type = metadataString("\(architecture).rope.scaling.type") ?? "linear"
        guard type == "none" || type == "linear" else {
            throw .unsupportedArchitecture("\(architecture) with \(type.prefix(32)) scaling")
        }
        let factor = number("\(architecture).rope.scaling.factor") ?? number("\(architecture).rope.scale_linear") ?? 1
        guard factor >= 1, factor <= 1_024 else { throw .malformed("\(architecture).rope.scaling.factor") }
        return type == "none" ? 1 : 1 / factor
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
