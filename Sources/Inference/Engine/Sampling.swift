import CKernels
import Glibc

/// How the next token is chosen.
public struct Sampling: Sendable, Equatable {
    /// Randomness, 0 to 2; 0 takes the likeliest token.
    public var temperature: Float
    /// Keeps only the likeliest tokens; 0: all.
    public var topK: Int
    /// Keeps the likeliest tokens whose probabilities add up to this, above 0 to 1.
    public var topP: Float
    /// Keeps tokens at least this fraction as likely as the likeliest, 0 to 1.
    public var minP: Float
    /// Divides the logits of recent tokens (multiplies negative ones), above 0 to 2; 1: nothing.
    public var repetitionPenalty: Float
    /// The same seed gives the same tokens; nil: a random one.
    public var seed: UInt64?

    /// The likeliest token, always.
    public static let greedy = Sampling(temperature: 0)

    /// - Parameters: see the properties. *Our choice* of defaults: those of llama.cpp's command line, but for the
    ///   temperature of 0.7 that most model cards name.
    public init(
        temperature: Float = 0.7, topK: Int = 40, topP: Float = 0.95, minP: Float = 0.05, repetitionPenalty: Float = 1,
        seed: UInt64? = nil
    ) {
        (self.temperature, self.topK, self.topP) = (temperature, topK, topP)
        (self.minP, self.repetitionPenalty, self.seed) = (minP, repetitionPenalty, seed)
    }

    /// - Throws: `outOfRange` with the name of the first value outside its range.
    public func validate() throws(InferenceError) {
        guard (0...2).contains(temperature) else { throw .outOfRange("temperature") }
        guard topK >= 0 else { throw .outOfRange("top_k") }
        guard topP > 0, topP <= 1 else { throw .outOfRange("top_p") }
        guard (0...1).contains(minP) else { throw .outOfRange("min_p") }
        guard repetitionPenalty > 0, repetitionPenalty <= 2 else { throw .outOfRange("repetition_penalty") }
    }
}

/// Chooses tokens for one generation.
struct Sampler {
    private static let penaltyWindow = 64

    private let sampling: Sampling
    private var generator: SplitMix64

    init(_ sampling: Sampling) {
        self.sampling = sampling
        generator = SplitMix64(state: sampling.seed ?? UInt64.random(in: .min ... .max))
    }

    /// - Parameter recent: the tokens before, of which the last 64 are penalised.
    mutating func next(_ logits: UnsafeBufferPointer<Float>, recent: [TokenID]) -> TokenID {
        guard sampling.repetitionPenalty != 1 else { return choose(from: logits) }
        var penalised = Array(logits)
        return penalised.withUnsafeMutableBufferPointer { logits in
            defer { ck_wipe(logits.baseAddress, logits.count * MemoryLayout<Float>.stride) }
            let penalty = sampling.repetitionPenalty
            for id in Set(recent.suffix(Self.penaltyWindow).map(Int.init)) where logits.indices.contains(id) {
                logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty
            }
            return choose(from: UnsafeBufferPointer(logits))
        }
    }

    private mutating func choose(from logits: UnsafeBufferPointer<Float>) -> TokenID {
        let likeliest = Self.likeliest(logits), best = logits[likeliest]
        // Weights of a damaged file can make logits that are no numbers: nothing can be drawn from those.
        guard sampling.temperature > 0, best.isFinite else { return TokenID(likeliest) }
        return draw(from: candidates(logits, best: best))
    }

    /// Where the largest logit lies, the first of several.
    ///
    /// Sixteen at a time: a vocabulary has 150,000, for which all other threads wait.
    private static func likeliest(_ logits: UnsafeBufferPointer<Float>) -> Int {
        typealias Lanes = SIMD16<Float>
        let bytes = UnsafeRawBufferPointer(logits)
        let whole = logits.count / Lanes.scalarCount * Lanes.scalarCount
        var lanes = Lanes(repeating: -.infinity)
        for id in stride(from: 0, to: whole, by: Lanes.scalarCount) {
            let next = bytes.loadUnaligned(fromByteOffset: id * MemoryLayout<Float>.stride, as: Lanes.self)
            lanes.replace(with: next, where: next .> lanes)
        }
        let best = logits[whole...].reduce(lanes.max()) { $1 > $0 ? $1 : $0 }
        return logits.firstIndex(of: best) ?? 0
    }

    private func candidates(
        _ logits: UnsafeBufferPointer<Float>, best: Float
    ) -> [(id: TokenID, weight: Float)] {
        // exp((logit − best) / t) is the weight beside the likeliest token's 1, so min-p is a plain threshold, and most
        // logits are below it by more than rounding can explain.
        let least = max(sampling.minP, 1e-9)
        let lowest = best + sampling.temperature * (log(least) - 0.01)
        var kept: [(id: TokenID, weight: Float)] = []
        for id in logits.indices where logits[id] >= lowest {
            let weight = exp((logits[id] - best) / sampling.temperature)
            if weight >= least { kept.append((TokenID(id), weight)) }
        }
        kept.sort { $0.weight != $1.weight ? $0.weight > $1.weight : $0.id < $1.id }
        if sampling.topK > 0 { kept = Array(kept.prefix(sampling.topK)) }
        let total = kept.reduce(0) { $0 + $1.weight }
        var (sum, end) = (Float.zero, 0)
        while end < kept.count, sum < sampling.topP * total {
            sum += kept[end].weight
            end += 1
        }
        return Array(kept.prefix(max(end, 1)))
    }

    private mutating func draw(from candidates: [(id: TokenID, weight: Float)]) -> TokenID {
        var point = Float.random(in: 0..<1, using: &generator) * candidates.reduce(0) { $0 + $1.weight }
        for candidate in candidates {
            point -= candidate.weight
            if point < 0 { return candidate.id }
        }
        return candidates[candidates.count - 1].id
    }
}

/// A small generator whose sequence follows from its seed on every machine (Steele, Lea, Flood, OOPSLA 2014).
///
/// Not for keys.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
