import Testing

@testable import Inference

extension Sampler {
    /// Chooses from a copy.
    mutating func next(_ logits: [Float], recent: [TokenID]) -> TokenID {
        var logits = logits
        return logits.withUnsafeMutableBufferPointer { next($0, recent: recent[...]) }
    }
}

struct SamplingTests {
    private func draw(_ logits: [Float], _ sampling: Sampling, recent: [TokenID] = [], times: Int = 200) -> Set<TokenID>
    {
        var sampler = Sampler(sampling)
        return Set((0..<times).map { _ in sampler.next(logits, recent: recent) })
    }

    private let open = Sampling(temperature: 1, topK: 0, topP: 1, minP: 0, seed: 7)

    @Test func `greedy takes the likeliest token, the first among equals`() {
        #expect(draw([0, 3, 1, 3], .greedy) == [1])
        #expect(draw([5], .greedy) == [0])
    }

    @Test(arguments: [15, 16, 17, 33, 40])
    func `the likeliest token is found wherever it stands, beside what is no number`(count: Int) {
        for place in 0..<count {
            var logits = (0..<count).map { _ in Float.random(in: -5...0) }
            logits[(place + 3) % count] = .nan
            logits[place] = 0.5
            #expect(draw(logits, .greedy, times: 1) == [TokenID(place)])
        }
        #expect(draw([Float](repeating: .nan, count: count), .greedy, times: 1) == [0])
        #expect(draw([Float](repeating: -.infinity, count: count), .greedy, times: 1) == [0])
    }

    @Test func `with nothing cut off every likely token is drawn`() {
        #expect(draw([1, 1, 1, 1], open) == [0, 1, 2, 3])
    }

    @Test func `top-k, top-p and min-p each keep only the likeliest`() {
        var sampling = open
        sampling.topK = 2
        #expect(draw([1, 3, 2.9, 0], sampling) == [1, 2])
        sampling = open
        sampling.topP = 0.5
        #expect(draw([1, 3, 2.9, 0], sampling) == [1, 2])
        sampling.topP = 0.1
        #expect(draw([1, 3, 2.9, 0], sampling) == [1])
        sampling = open
        sampling.minP = 0.9
        #expect(draw([1, 3, 2.95, 0], sampling) == [1, 2])
        sampling.minP = 1
        #expect(draw([1, 3, 2.95, 0], sampling) == [1])
    }

    @Test func `draws follow the probabilities`() {
        var sampler = Sampler(open)
        let logits: [Float] = [0, 1.0986123]  // 1 : 3
        let ones = (0..<4_000).count { _ in sampler.next(logits, recent: []) == 1 }
        #expect((2_850...3_150).contains(ones))
    }

    @Test func `the repetition penalty lowers what was said lately, positive or negative`() {
        var sampling = Sampling.greedy
        sampling.repetitionPenalty = 2
        #expect(draw([3, 2], sampling, recent: [0]) == [1])
        #expect(draw([-1, -1.5], sampling, recent: [0]) == [1])
        #expect(draw([3, 2], sampling, recent: [0] + [TokenID](repeating: 5, count: 64)) == [0])
    }

    /// Sixteen logits are looked at at once; what is left over counts as much.
    @Test(arguments: [1, 15, 16, 17, 40, 1_000])
    func `every place of a vocabulary is found`(count: Int) {
        for place in 0..<count {
            var logits = [Float](repeating: -3, count: count)
            logits[place] = 2
            #expect(draw(logits, .greedy, times: 1) == [TokenID(place)])
            #expect(draw(logits, Sampling(temperature: 0.1), times: 1) == [TokenID(place)])
        }
        #expect(draw([Float](repeating: 1, count: count), open, times: 40 * count).count == count)
    }

    @Test func `the same seed draws the same tokens`() {
        func tokens(_ seed: UInt64) -> [TokenID] {
            var sampler = Sampler(Sampling(temperature: 1, seed: seed))
            return (0..<50).map { _ in sampler.next([Float](repeating: 0, count: 30), recent: []) }
        }
        #expect(tokens(1) == tokens(1))
        #expect(tokens(1) != tokens(2))
    }

    /// A damaged model computes these; the engine must go on serving others.
    @Test(arguments: [
        [Float.nan, .nan], [.nan, 1], [1, .nan], [.infinity, 1], [.infinity, .infinity], [-.infinity, -.infinity],
    ])
    func `logits that are no numbers still give a token`(logits: [Float]) {
        for sampling in [Sampling.greedy, open, Sampling()] {
            #expect(draw(logits, sampling, times: 3).allSatisfy { $0 == 0 || $0 == 1 })
        }
    }

    @Test func `a value out of its range is refused by name`() {
        func refused(_ name: String, _ sampling: Sampling) {
            #expect(throws: InferenceError.outOfRange(name)) { try sampling.validate() }
        }
        refused("temperature", Sampling(temperature: .nan))
        refused("temperature", Sampling(temperature: -1))
        refused("top_k", Sampling(topK: -1))
        refused("top_p", Sampling(topP: 0))
        refused("min_p", Sampling(minP: 1.5))
        refused("repetition_penalty", Sampling(repetitionPenalty: 0))
    }
}
