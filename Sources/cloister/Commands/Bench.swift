import Archive
import ArgumentParser
import Catalogue
import Cell
import Foundation
import Inference

/// `cloister bench`.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how fast a model runs on this machine.",
        discussion: """
            It reads a prompt and writes an answer three times in the model's own locked process, and takes the best:
            other programs only ever make it slower. The limit is what this machine's memory gives to as many threads,
            measured before and after: each token reads every weight once. Neighbours on the
            machine can make it look smaller than it is.

            Examples:
              cloister bench                          the built-in guide
              cloister bench model.gguf --threads 4
              cloister bench qwen2.5 --json
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "A GGUF file or a name that `cloister models list` shows (default: the standard model).")
    var model: String?
    @Option(help: "Threads that compute (default: all cores).")
    var threads: Int?
    @Option(help: "How keys and values are kept: f16, or q8_0 in half the memory (default: f16).")
    var kvCache: String?
    @Option(help: "Tokens that are read (default: 512, or what the model's context holds).")
    var prompt: Int?
    @Option(help: "Tokens that are written.")
    var generate = 64
    @Flag(help: "For programs.")
    var json = false

    func run() async throws {
        try await explained {
            guard (1...1_000_000).contains(prompt ?? 1), (2...1_000_000).contains(generate) else {
                throw UserError("--prompt is from 1, --generate from 2 to 1000000 tokens")
            }
            let settings = try common.settings([
                "model": model, "threads": threads.map(String.init), "kv-cache": kvCache,
            ])
            let result = try await measured(settings)
            if json { try Terminal.show(result.json + "\n") } else { Terminal.say(result.picture) }
        }
    }

    private func measured(_ settings: Settings) async throws -> BenchResult {
        let path = try DataDirectory.checked(path: settings.data)
        let range = SelfTestRange(data: path, isAirGapped: settings.isAirGapped)
        let reader = EngineProcesses(range: range)
        let shelf = try await Shelf(settings, own: OwnStore(in: path), reader: reader)
        let threads = settings.threads ?? ProcessInfo.processInfo.activeProcessorCount
        let before = ReadTest.run(threads: threads)
        let ready = try await shelf.ready(nil) { Terminal.progress("hashing", $0, $1) }
        guard let engine = ready.engine as? RemoteEngine else { throw UserError("the engine did not start") }
        let room = engine.contextLength - generate - 1
        let prompt = prompt ?? min(512, max(room, 1))
        guard prompt <= room else {
            throw UserError(
                "\(ready.description.name) has a context of \(engine.contextLength) tokens; choose less with --prompt and --generate, or more with the setting context"
            )
        }
        let speed = try await Speed(engine, prompt: prompt, generate: generate) {
            Terminal.progress("measuring", $0, $1)
        }
        let limit = [before, ReadTest.run(threads: threads)].compactMap(\.self).max()
        let moved = speed.decode * Double(await reader.inspect(ready.source).weightsPerToken)
        return BenchResult(
            model: ready.description.name, digest: ready.description.digest ?? "",
            quantisation: ready.description.quantisation, prompt: prompt, generate: generate, threads: threads,
            prefill: speed.prefill, decode: speed.decode, resident: Kernel.resident(of: engine.process),
            limit: limit, share: limit.map { moved / $0 })
    }
}

/// Tokens a second of one engine, the best of some rounds.
private struct Speed {
    private static let rounds = 3

    private(set) var prefill = 0.0
    private(set) var decode = 0.0

    init(_ engine: some TokenEngine, prompt: Int, generate: Int, progress: (Int, Int) -> Void) async throws {
        // The first answer brings the weights into memory.
        _ = try await Self.round(engine, min(prompt, 8), 2)
        for round in 0..<Self.rounds {
            progress(round, Self.rounds)
            let (reading, writing) = try await Self.round(engine, prompt, generate)
            (prefill, decode) = (max(prefill, Double(prompt) / reading), max(decode, Double(generate - 1) / writing))
        }
        progress(Self.rounds, Self.rounds)
    }

    /// Seconds until the prompt was read, and from the first token to the last.
    private static func round(
        _ engine: some TokenEngine, _ prompt: Int, _ generate: Int
    ) async throws -> (reading: Double, writing: Double) {
        let sequence = engine.openSequence()
        defer { engine.closeSequence(sequence) }
        let tokens = (0..<prompt).map { TokenID(($0 &* 31) % engine.vocabularySize) }
        var request = GenerationRequest(
            sequence: sequence, prompt: tokens, sampling: .greedy, maxTokens: generate, endTokens: [])
        // A random prompt says nothing of how well answers are guessed.
        request.guesses = false
        var (reading, first, last) = (0.0, ContinuousClock.now, ContinuousClock.now)
        var count = 0
        for await event in try engine.generate(request) {
            switch event {
            case .prefilled(_, _, let nanoseconds): reading = Double(nanoseconds) / 1e9
            case .token:
                count += 1
                last = .now
                if count == 1 { first = last }
            case .accepted, .finished: break
            }
        }
        guard count == generate, reading > 0, last > first else {
            throw UserError("the engine stopped before the end of the measurement")
        }
        return (reading, (last - first) / .seconds(1))
    }
}
