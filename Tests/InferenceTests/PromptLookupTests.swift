import TestSupport
import Testing

@testable import Inference

/// Tokens that are read along because they followed before.
struct PromptLookupTests {
    private func guesses(_ tokens: [TokenID], then token: TokenID, atMost: Int = 7, _ lookup: PromptLookup = .init())
        -> [TokenID]
    {
        var (lookup, next) = (lookup, [token])
        lookup.guess(after: token, of: tokens, atMost: atMost, into: &next)
        return Array(next.dropFirst())
    }

    @Test func `what followed the same three tokens is guessed, the latest first`() {
        #expect(guesses([1, 2, 3, 4, 5, 6, 9, 1, 2], then: 3) == [4, 5, 6])
        #expect(guesses([1, 2, 3, 4, 5, 6, 1, 2, 3, 7, 7, 7, 1, 2], then: 3) == [7, 7, 7])
        #expect(guesses([1, 2, 3, 4, 5, 6, 9, 1, 2], then: 3, atMost: 1) == [4])
        #expect(guesses([1, 2, 3, 4, 5, 6, 9, 8, 2], then: 3) == [])
        #expect(guesses([1, 2], then: 3) == [] && guesses([], then: 3) == [])
    }

    @Test func `a repetition goes on into what is guessed`() {
        #expect(guesses([4, 5, 4, 5], then: 4) == [5, 4, 5])
        #expect(guesses([4, 4, 4], then: 4) == [4, 4, 4])
    }

    @Test func `right guesses are followed by more, wrong ones by a pause`() {
        var lookup = PromptLookup()
        let text: [TokenID] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2]
        lookup.learn(guessed: 3, right: 3)
        #expect(guesses(text, then: 3, lookup).count == 7)
        lookup.learn(guessed: 7, right: 2)
        #expect(guesses(text, then: 3, lookup).count == 2)
        lookup.learn(guessed: 2, right: 0)
        var (paused, next) = (0, [TokenID]())
        while next.isEmpty, paused < 100 {
            lookup.guess(after: 3, of: text, atMost: 7, into: &next)
            paused += 1
        }
        #expect(paused == 5)
    }

    /// The tiny model soon repeats itself, so guesses are right, wrong and cut off by limits here.
    @Test(arguments: [
        Sampling.greedy, Sampling(temperature: 0.8, seed: 5),
        Sampling(temperature: 1.5, repetitionPenalty: 1.2, seed: 6),
    ])
    func `an answer is the same with guesses and without`(sampling: Sampling) async throws {
        let bytes = TinyModel.writer(context: 300).bytes()
        let engine = try Engine(
            file: ModelFile(bytes: TinyModel.pinned(bytes), name: "tiny"),
            options: .init(threads: 1, contextLength: 300))
        for (start, limit) in [(1, 250), (50, 17), (90, 1), (7, 1_000)] as [(Int, Int)] {
            let prompt = (0..<40).map { TokenID((start + $0 % 9) % 250) }
            func answer(_ guesses: Bool, end: Set<TokenID>) async throws -> [GenerationEvent] {
                var request = GenerationRequest(
                    sequence: engine.openSequence(of: ClientID(connection: guesses ? 1 : 2, number: 0)), prompt: prompt,
                    sampling: sampling, maxTokens: limit, endTokens: end)
                request.guesses = guesses
                var events: [GenerationEvent] = []
                for await event in try engine.generate(request) {
                    if case .prefilled = event { continue }
                    events.append(event)
                }
                return events
            }
            let plain = try await answer(false, end: [])
            #expect(try await answer(true, end: []) == plain)
            guard case .token(let some) = plain[plain.count / 2] else { continue }
            #expect(try await answer(true, end: [some]) == answer(false, end: [some]))
        }
    }
}
