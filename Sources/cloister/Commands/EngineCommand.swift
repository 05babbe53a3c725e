import ArgumentParser
import Confinement
import Foundation
import Glibc
import Inference
import Seams
import UnixSignals

/// `cloister engine`.
struct EngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Run one model by hand, for a Cloister that is elsewhere on this machine or its host.",
        discussion: """
            Who reaches the address gets token ids computed, and nothing else: there is
            no text and no key here. A Unix socket is this user's alone; vsock is open to
            the machine and its guests. The Cloister that uses it needs the same file.

            Examples:
              cloister engine --model m.gguf --listen unix:/run/user/1000/engine.sock
              cloister engine --model m.gguf --listen vsock:8430 --threads 8
            """)

    @Option(help: "A GGUF file.", completion: .file(extensions: ["gguf"]))
    var model: String
    @Option(help: "unix:/path, or vsock:PORT.")
    var listen: String
    @Option(help: "Longest context in tokens (default: the model's, at most 4096).")
    var context: Int?
    @Option(help: "Threads that compute (default: all cores).")
    var threads: Int?
    @Option(help: "How keys and values are kept: f16, or q8_0 in half the memory (default: f16).")
    var kvCache: String?

    func run() async throws {
        try await explained {
            guard (1...256).contains(threads ?? 1), (8...16_777_216).contains(context ?? 8) else {
                throw UserError("threads are from 1 to 256, a context from 8 to 16777216 tokens")
            }
            let stops = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            let range = SelfTestRange(data: FileManager.default.temporaryDirectory.path + "/none", isAirGapped: false)
            let address = try StreamAddress(listen)
            let listener = try address.listen()
            let engine = try await EngineProcesses(range: range).engine(
                try source(),
                EngineOptions(
                    threads: threads, contextLength: context, keyValueType: try KeyValueType(setting: kvCache)),
                progress: { Terminal.progress("hashing", $0, $1) },
                accept: { Terminal.note("SHA-256 \($0)") })
            guard let engine = engine as? RemoteEngine else { throw UserError("the engine did not start") }
            try FirstProcess.sealed(range)
            // Each connection is the engine's, which forgets it when it ends.
            StreamAddress.serve(from: listener) { try? await engine.attach($0) }
            Terminal.say("an engine for \(model.oneLine) waits at \(listen.oneLine)\n")
            for await _ in stops { break }
            address.close()
        }
    }

    private func source() throws -> ModelSource {
        let descriptor = open(model, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw InferenceError.cannotOpen(code: errno) }
        let name = URL(filePath: model).deletingPathExtension().lastPathComponent
        return ModelSource(name: name, descriptor: Descriptor(descriptor))
    }
}

extension EngineCommand: Supervising {
    func folders() throws -> [Purpose: String] { try StreamAddress(listen).folders }
}
