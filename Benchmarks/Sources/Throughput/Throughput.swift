import Foundation
import Inference

/// Measures once, and prints one line of JSON.
///
///     Throughput speed FILE THREADS PROMPT NEW DEPTH
///     Throughput together FILE THREADS ANSWERS PROMPT NEW
///     Throughput read THREADS
///
/// `speed`: seconds until the first token of `PROMPT` tokens (none if 0) and seconds for `NEW` tokens behind `DEPTH`.
/// `together`: tokens a second of so many answers of `NEW` tokens at once, of one client each, their prompts included.
/// `read`: bytes a second that memory gives to so many threads.
@main struct Throughput {
    private struct Speed: Encodable {
        let type: String
        /// Bytes of weights that one token reads.
        let weights: Int
        /// Seconds.
        let prefill, decode: Double
    }

    private struct Together: Encodable { let tokensPerSecond: Double }

    private struct Limit: Encodable { let limit: Double? }

    static func main() async throws {
        let (name, numbers) = (CommandLine.arguments.dropFirst(), CommandLine.arguments.compactMap { Int($0) })
        switch (name.first, name.dropFirst().first, numbers.count) {
        case ("speed", let path?, 4): try await show(speed(path, numbers[0], numbers[1], numbers[2], numbers[3]))
        case ("together", let path?, 4):
            try await show(together(path, numbers[0], numbers[1], numbers[2], numbers[3]))
        case ("read", _, 1): try show(Limit(limit: ReadTest.run(threads: numbers[0])))
        default:
            print(
                """
                usage: Throughput speed FILE THREADS PROMPT NEW DEPTH
                       Throughput together FILE THREADS ANSWERS PROMPT NEW
                       Throughput read THREADS
                """)
        }
    }

    private static func show(_ value: some Encodable) throws {
        print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
    }

    private static func speed(
        _ path: String, _ threads: Int, _ prompt: Int, _ new: Int, _ depth: Int
    ) async throws -> Speed {
        let file = try ModelFile(path: path)
        let inspection = file.inspect()
        let engine = try Engine(
            file: file, options: EngineOptions(threads: threads, contextLength: max(prompt, depth + new) + 8))
        // The first answer brings the weights into memory; the others are measured.
        _ = try await measure(engine, reading: 8, writing: 2)
        let prefill = prompt == 0 ? 0 : try await measure(engine, reading: prompt, writing: 0).first
        let decode = try await measure(engine, reading: max(depth, 1), writing: new).rest
        return Speed(
            type: inspection.quantisation, weights: inspection.weightsPerToken, prefill: prefill, decode: decode)
    }

    private static func together(
        _ path: String, _ threads: Int, _ answers: Int, _ prompt: Int, _ new: Int
    ) async throws -> Together {
        let engine = try Engine(
            file: ModelFile(path: path), options: EngineOptions(threads: threads, contextLength: prompt + new + 8))
        _ = try await measure(engine, reading: 8, writing: 2)
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<answers {
                let sequence = engine.openSequence(of: ClientID(connection: client, number: 0))
                var request = GenerationRequest(
                    sequence: sequence, prompt: (0..<prompt).map { TokenID(($0 + client) % 200 + 10) },
                    sampling: .greedy, maxTokens: new, endTokens: [])
                request.guesses = false
                let generation = try engine.generate(request)
                group.addTask { for await _ in generation {} }
            }
            try await group.waitForAll()
        }
        return Together(tokensPerSecond: Double(answers * new) / ((.now - start) / .seconds(1)))
    }

    private static func measure(
        _ engine: Engine, reading: Int, writing: Int
    ) async throws -> (first: Double, rest: Double) {
        let sequence = engine.openSequence()
        defer { engine.closeSequence(sequence) }
        var request = GenerationRequest(
            sequence: sequence, prompt: (0..<reading).map { TokenID($0 % 200 + 10) }, sampling: .greedy,
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
