/// Models built in code for what `TinyModel` does not have: the Qwen 2 architecture with its biases, every tensor type
/// that the kernels run, and the scaled rotation of Llama 3.
///
/// Random blocks that follow from a seed, as wide as a block of 256 allows; `Goldens/make_mixed.py` has llama.cpp
/// compute it.
public enum MixedModel {
    private static let (width, hidden, heads, keyHeads, layers) = (256, 512, 4, 2, 2)

    /// Which of them.
    public enum Kind: String, CaseIterable, Sendable {
        /// Qwen 2; every tensor is F32, so that nothing is rounded.
        case plain
        /// Qwen 2; each tensor is of another type.
        case mixed
        /// Llama with `rope_freqs.weight`; every tensor is F32.
        case scaled
    }

    /// The file.
    public static func bytes(_ kind: Kind, context: Int = 128) -> [UInt8] {
        let family = kind == .scaled ? "llama" : "qwen2"
        var writer = TinyModel.writer()
        writer.metadata = writer.metadata.compactMap { key, value in
            key.hasPrefix("llama.") || key == "tokenizer.chat_template" ? nil : (key, value)
        }
        writer.set("general.architecture", .text(family))
        writer.set("tokenizer.ggml.pre", .text("qwen2"))
        let counts = [
            "context_length": context, "embedding_length": width, "block_count": layers, "feed_forward_length": hidden,
            "attention.head_count": heads, "attention.head_count_kv": keyHeads,
        ]
        for (key, count) in counts.sorted(by: { $0.key < $1.key }) {
            writer.set("\(family).\(key)", .count(UInt32(count)))
        }
        writer.set("\(family).attention.layer_norm_rms_epsilon", .number(1e-6))
        writer.set("\(family).rope.freq_base", .number(1_000_000))
        writer.tensors = tensors(kind)
        return writer.bytes()
    }

    private static func tensors(_ kind: Kind) -> [GGUFWriter.Tensor] {
        var random = SeededRandom(seed: 7)
        func type(_ id: UInt32) -> UInt32 { kind == .mixed ? id : 0 }
        func matrix(_ name: String, _ width: Int, _ rows: Int, _ id: UInt32) -> GGUFWriter.Tensor {
            let type = type(id)
            let data = (0..<width * rows / count(type)).flatMap { _ in block(type, &random) }
            return GGUFWriter.Tensor(name, [UInt64(width), UInt64(rows)], type: type, data: data)
        }
        func vector(_ name: String, _ count: Int, _ range: ClosedRange<Float>) -> GGUFWriter.Tensor {
            let data = (0..<count).flatMap { _ in Self.bytes(Float.random(in: range, using: &random)) }
            return GGUFWriter.Tensor(name, [UInt64(count)], type: 0, data: data)
        }
        let keyWidth = width / heads * keyHeads
        var tensors = [
            matrix("token_embd.weight", width, TinyModel.vocabularySize, 6), vector("output_norm.weight", width, 1...1),
            matrix("output.weight", width, TinyModel.vocabularySize, 14),
        ]
        if kind == .scaled { tensors.append(vector("rope_freqs.weight", width / heads / 2, 1...8)) }
        for layer in 0..<layers {
            let prefix = "blk.\(layer)"
            tensors += [
                vector("\(prefix).attn_norm.weight", width, 0.5...1.5),
                matrix("\(prefix).attn_q.weight", width, width, 12), vector("\(prefix).attn_q.bias", width, -1...1),
                matrix("\(prefix).attn_k.weight", width, keyWidth, 13),
                vector("\(prefix).attn_k.bias", keyWidth, -1...1),
                matrix("\(prefix).attn_v.weight", width, keyWidth, 14),
                vector("\(prefix).attn_v.bias", keyWidth, -1...1),
                matrix("\(prefix).attn_output.weight", width, width, 8),
                vector("\(prefix).ffn_norm.weight", width, 0.5...1.5),
                matrix("\(prefix).ffn_gate.weight", width, hidden, 2),
                matrix("\(prefix).ffn_up.weight", width, hidden, layer == 0 ? 30 : 1),
                matrix("\(prefix).ffn_down.weight", hidden, width, 6),
            ]
        }
        return tensors
    }

    private static func count(_ type: UInt32) -> Int {
        switch type {
        case 0, 1, 30: 1
        case 12, 13, 14: 256
        default: 32
        }
    }

    /// A block of random bits whose scales make weights of about ±0.1.
    private static func block(_ type: UInt32, _ random: inout SeededRandom) -> [UInt8] {
        func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }
        func half(_ high: UInt8) -> [UInt8] { [UInt8.random(in: 0...255, using: &random), high] }
        switch type {
        case 0: return Self.bytes(Float.random(in: -0.1...0.1, using: &random))
        case 1: return half(UInt8.random(in: 0x24...0x2E, using: &random) | (Bool.random(using: &random) ? 0x80 : 0))
        case 30: return half(UInt8.random(in: 0x3C...0x3D, using: &random) | (Bool.random(using: &random) ? 0x80 : 0))
        case 2: return half(0x22) + bytes(16)
        case 6: return half(0x1E) + bytes(20)
        case 8: return half(0x12) + bytes(32)
        case 12: return half(0x0A) + half(0x10) + bytes(140)
        case 13: return half(0x06) + half(0x10) + bytes(172)
        default: return bytes(208) + half(0x02)
        }
    }

    private static func bytes(_ value: Float) -> [UInt8] { withUnsafeBytes(of: value.bitPattern) { Array($0) } }
}
