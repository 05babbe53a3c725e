import Inference

/// Measures one engine once: `Throughput FILE THREADS PROMPT-TOKENS NEW-TOKENS` prints seconds until the first token and
/// seconds for the tokens after it.
@main struct Throughput {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let threads = Int(arguments[2]), let reading = Int(arguments[3]),
            let writing = Int(arguments[4])
        else { return print("usage: Throughput FILE THREADS PROMPT-TOKENS NEW-TOKENS") }
        let engine = try Engine(
            file: ModelFile(path: arguments[1]),
            options: EngineOptions(threads: threads, contextLength: reading + writing + 8))
        // The first answer brings the weights into memory; the second is measured.
        _ = try await measure(engine, reading: 8, writing: 2)
        let (first, rest) = try await measure(engine, reading: reading, writing: writing)
        print(first, rest)
    }

    private static func measure(
        _ engine: Engine, reading: Int, writing: Int
    ) async throws -> (first: Double, rest: Double) {
        var request = GenerationRequest(
            sequence: engine.openSequence(), prompt: (0..<reading).map { TokenID($0 % 200 + 10) }, sampling: .greedy,
            maxTokens: writing + 1, endTokens: [])
        request.guesses = false
        let clock = ContinuousClock()
        let start = clock.now
        var first: ContinuousClock.Instant?
        for await event in try engine.generate(request) {
            if case .token = event, first == nil { first = clock.now }
        }
        let middle = first ?? start
        return ((middle - start) / .seconds(1), (clock.now - middle) / .seconds(1))
    }
}
