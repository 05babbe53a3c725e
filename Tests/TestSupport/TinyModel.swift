/// A Llama model built in code, so that most tests need no file.
///
/// Two layers of random weights that follow from a seed; a vocabulary of the 256 bytes, a few merges and the control
/// tokens of ChatML and the guide. It says nothing sensible, and always the same.
public enum TinyModel {
    /// The names of the control tokens, behind the bytes and the merges.
    public static let controls = ["<|im_start|>", "<|im_end|>", "<|user|>", "<|assistant|>", "<|end|>"]
    /// Number of tokens.
    public static var vocabularySize: Int { tokens.count }

    private static let merges = ["h e", "l l", "he ll", "hell o", "Ġ w", "Ġ hello"]
    private static let (width, hidden, heads, keyHeads, layers) = (32, 64, 4, 2, 2)

    /// The file, to be changed before it is written.
    public static func writer(seed: UInt64 = 1, context: Int = 128) -> GGUFWriter {
        var writer = GGUFWriter()
        writer.metadata = [
            ("general.architecture", .text("llama")),
            ("llama.context_length", .count(UInt32(context))),
            ("llama.embedding_length", .count(UInt32(width))),
            ("llama.block_count", .count(UInt32(layers))),
            ("llama.feed_forward_length", .count(UInt32(hidden))),
            ("llama.attention.head_count", .count(UInt32(heads))),
            ("llama.attention.head_count_kv", .count(UInt32(keyHeads))),
            ("llama.attention.layer_norm_rms_epsilon", .number(1e-5)),
            ("tokenizer.ggml.model", .text("gpt2")),
            ("tokenizer.ggml.pre", .text("llama-bpe")),
            ("tokenizer.ggml.tokens", .texts(tokens)),
            ("tokenizer.ggml.token_type", .integers(tokens.map { controls.contains($0) ? 3 : 1 })),
            ("tokenizer.ggml.merges", .texts(merges)),
            ("tokenizer.ggml.add_bos_token", .flag(false)),
            ("tokenizer.chat_template", .text("{% for m in messages %}<|im_start|>{{ m.role }}{% endfor %}")),
        ]
        writer.tensors = tensors(seed: seed)
        return writer
    }

    /// The file as bytes that stay where they are for the life of the process.
    public static func pinned(_ bytes: [UInt8] = writer().bytes()) -> UnsafeRawBufferPointer {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        memory.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(memory)
    }

    /// The printable spelling of the bytes that GPT-2 introduced, then the merges' results, then the controls.
    private static let tokens: [String] = {
        var moved: UInt32 = 256
        var spellings: [String] = []
        for byte in UInt8.min...UInt8.max {
            let stays = (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
            let scalar = stays ? UInt32(byte) : moved
            if !stays { moved += 1 }
            spellings.append(Unicode.Scalar(scalar).map { String(Character($0)) } ?? "")
        }
        return spellings + merges.map { $0.filter { $0 != " " } } + controls
    }()

    private static func tensors(seed: UInt64) -> [GGUFWriter.Tensor] {
        var random = SeededRandom(seed: seed)
        let keyWidth = width / heads * keyHeads
        var tensors = [matrix("token_embd.weight", width, tokens.count, &random), ones("output_norm.weight")]
        for layer in 0..<layers {
            let prefix = "blk.\(layer)"
            tensors += [
                ones("\(prefix).attn_norm.weight"),
                matrix("\(prefix).attn_q.weight", width, width, &random),
                matrix("\(prefix).attn_k.weight", width, keyWidth, &random),
                matrix("\(prefix).attn_v.weight", width, keyWidth, &random),
                matrix("\(prefix).attn_output.weight", width, width, &random),
                ones("\(prefix).ffn_norm.weight"),
                matrix("\(prefix).ffn_gate.weight", width, hidden, &random),
                matrix("\(prefix).ffn_up.weight", width, hidden, &random),
                matrix("\(prefix).ffn_down.weight", hidden, width, &random),
            ]
        }
        return tensors
    }

    private static func matrix(
        _ name: String, _ width: Int, _ rows: Int, _ random: inout SeededRandom
    ) -> GGUFWriter.Tensor {
        let values = (0..<width * rows).map { _ in Float.random(in: -0.5...0.5, using: &random) }
        return GGUFWriter.Tensor(name, [UInt64(width), UInt64(rows)], type: 0, data: bytes(of: values))
    }

    private static func ones(_ name: String) -> GGUFWriter.Tensor {
        GGUFWriter.Tensor(name, [UInt64(width)], type: 0, data: bytes(of: [Float](repeating: 1, count: width)))
    }

    private static func bytes(of values: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        for value in values { bytes.append(value.bitPattern) }
        return bytes
    }
}
