import Foundation
import Inference

/// What `cloister bench` measured.
struct BenchResult: Encodable {
    let model, digest, quantisation: String
    let prompt, generate, threads: Int
    /// Tokens a second.
    let prefill, decode: Double
    /// Bytes of the engine's process, the mapped file included.
    let resident: Int
    /// Bytes a second that memory gives to so many threads; nil: not measured.
    let limit: Double?
    /// The part of it with which weights are read.
    let share: Double?

    private enum CodingKeys: String, CodingKey {
        case model, digest, quantisation, prompt, generate, threads
        case prefill = "prefill_tokens_per_second"
        case decode = "decode_tokens_per_second"
        case resident = "resident_bytes"
        case limit = "bandwidth_bytes_per_second"
        case share = "bandwidth_share"
    }

    /// For programs.
    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// For people.
    var picture: String {
        let most = max(prefill, decode)
        var lines = [
            "\(model) (\(quantisation)), \(threads) \(threads == 1 ? "thread" : "threads"), \(Engine.instructions) kernels",
            "  reading   \(bar(prefill / most))  \(rounded(prefill)) tokens/s, of \(prompt)",
            "  writing   \(bar(decode / most))  \(rounded(decode)) tokens/s, of \(generate)",
        ]
        if let limit, let share {
            let moved = "\(Amount.bytes(Int(limit * share))) of \(Amount.bytes(Int(limit))) a second"
            lines.append("  bandwidth \(bar(min(share, 1)))  \(Int((share * 100).rounded())) %: \(moved)")
        }
        lines.append("  resident  \(Amount.bytes(resident)), with the file's pages")
        return lines.joined(separator: "\n") + "\n"
    }

    private static let barWidth = 24

    private func bar(_ part: Double) -> String {
        let full = Int((part * Double(Self.barWidth)).rounded())
        return String(repeating: "█", count: full) + String(repeating: "░", count: Self.barWidth - full)
    }

    private func rounded(_ value: Double) -> String {
        value < 100 ? String(format: "%.1f", value) : "\(Int(value.rounded()))"
    }
}
