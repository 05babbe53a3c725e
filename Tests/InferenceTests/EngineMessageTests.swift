import Testing

@testable import Inference

/// What goes between a cell and an engine.
struct EngineMessageTests {
    private static let requests = [
        GenerationRequest(
            sequence: SequenceID(number: .max), prompt: [0, 1, .max], sampling: .greedy, maxTokens: 1, endTokens: []),
        GenerationRequest(
            sequence: SequenceID(number: 7), prompt: Array(0..<5_000),
            sampling: Sampling(
                temperature: 1.5, topK: 3, topP: 0.25, minP: 0.125, repetitionPenalty: 1.75, seed: 0),
            maxTokens: 131_072, endTokens: [2, 5, 9]),
    ]

    @Test(arguments: requests.indices)
    func `a request arrives as it was sent`(index: Int) throws {
        let sent = Self.requests[index]
        let read = try GenerationRequest(decoding: sent.encoded())
        #expect(read.sequence == sent.sequence && read.prompt == sent.prompt && read.sampling == sent.sampling)
        #expect(read.maxTokens == sent.maxTokens && read.endTokens == sent.endTokens && read.guesses == sent.guesses)
    }

    @Test func `a request that is cut, grown or too large is refused`() {
        let bytes = Self.requests[1].encoded()
        for bad in [[], Array(bytes.dropLast()), bytes + [0], Array(bytes.prefix(40))] {
            #expect(throws: InferenceError.self) { try GenerationRequest(decoding: bad) }
        }
        var claims = bytes
        claims.replaceSubrange(44..<48, with: [255, 255, 255, 255])
        #expect(throws: InferenceError.self) { try GenerationRequest(decoding: claims) }
    }

    @Test func `events arrive as they were sent`() throws {
        let events: [GenerationEvent] = [
            .prefilled(reused: 3, evaluated: 70_000, nanoseconds: .max), .token(0), .token(.max),
            .finished(.endOfSequence), .finished(.length), .finished(.contextFull), .finished(.outOfMemory),
            .accepted, .finished(.tooMany(isOwn: true, seconds: 7)), .finished(.tooMany(isOwn: false, seconds: 120)),
        ]
        for event in events { #expect(try GenerationEvent(decoding: event.encoded()) == event) }
        for bad in [[], [0], [1, 0], [2], [2, 0, 0, 0, 0, 0], [3], [3, 4], [4, 0], [5, 2, 0, 0], [5, 1, 0]] as [[UInt8]]
        {
            #expect(throws: InferenceError.self) { try GenerationEvent(decoding: bad) }
        }
    }
}
