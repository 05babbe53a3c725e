import ArgumentParser
import Archive
import Cell
import Endpoints
import Foundation
import Gateway
import Glibc
import Inference
import Logging
import ServiceLifecycle
import UnixSignals

/// `cloister serve`.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run Cloister: open the page, answer, keep everything sealed.",
        discussion: """
            Examples:
              cloister serve
              cloister serve --port 9000 --model ~/models/m.gguf
              cloister serve --model llama3.2:1b --memory 6 --threads 4
            """)

    @OptionGroup var common: CommonOptions
    @Option(help: "TCP port on loopback (default 8420).")
    var port: Int?
    @Option(
        help:
            "A model: a GGUF file or a name that `cloister models list` shows. Without one, the built-in guide answers."
    )
    var model: String?
    @Option(help: "Folders to search for models too, separated by colons.")
    var models: String?
    @Option(help: "Memory that models may take, GiB (default: three quarters of the machine's).")
    var memory: Int?
    @Option(help: "Longest context in tokens (default: the model's, at most 4096).")
    var context: Int?
    @Option(help: "Threads that compute (default: all cores).")
    var threads: Int?

    func run() async throws {
        try await explained {
            let settings = try await common.settings([
                "port": port.map(String.init), "model": model, "models": models, "memory": memory.map(String.init),
                "context": context.map(String.init),
                "threads": threads.map(String.init),
            ])
            let server = try await Server.build(settings)
            server.warmUp()
            let lines = await Banner.lines(server, settings)
            try await serve(server, settings, lines)
            await server.cells.endAll()
            server.archive.close()
        }
    }

    private func serve(_ server: Server, _ settings: Settings, _ lines: [String]) async throws {
        var logger = Logger(label: "cloister") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let socket = try LocalSocket.prepare(in: server.directory.path)
        let archive = server.archive
        let door = Door(carrier: DoorCarrier(doors: server.doors)) { await archive.health() }
        let services = Gateway.services(
            GatewayOptions(port: settings.port, socketPath: socket), door: server.doors, logger: logger,
            snapshot: { try await archive.snapshotForBackup() }
        ) { router in
            door.add(to: router)
        } whenListening: {
            // Straight to the descriptor: a pipe that reads the link must not wait for a buffer to fill.
            do { try await server.cells.sealFirst() } catch {
                Terminal.note("cloister: this kernel did not lock the server (\(error)); it does not run")
                Glibc.exit(EX_OSERR)
            }
            Terminal.say(lines.joined(separator: "\n") + "\n")
        }
        let group = ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }
}

/// What is printed when the server listens.
enum Banner {
    static func lines(_ server: Server, _ settings: Settings) async -> [String] {
        let models = await server.shelf.models()
        let others = models.count { !$0.guide && !$0.standard && $0.obstacles.isEmpty }
        let memory = ProcessInfo.processInfo.physicalMemory >> 30
        let setup = server.setupToken.map { "setup=\($0)&" } ?? ""
        return [
            "Cloister, on this machine only",
            "  hardware   \(ProcessInfo.processInfo.activeProcessorCount) cores, \(memory) GiB memory, \(Engine.instructions) kernels",
            "  model      \(models.first.map(said) ?? "none")"
                + (others == 0 ? "" : ", and \(others) more on this machine: cloister models list"),
            "  data       \(server.directory.path) (sealed)",
            "  open       http://localhost:\(settings.port)/#\(setup)node=\(server.cells.fingerprint)",
        ]
            + (server.setupToken == nil
                ? [] : ["             the link creates the owner, once; keep it to yourself until then"])
    }

    private static func said(_ model: ModelDescription) -> String {
        let what = model.guide ? "built-in guide: knows Cloister and privacy only" : model.quantisation
        let size = "\(Amount.count(model.parameters)) parameters, \(Amount.bytes(model.bytes))"
        return "\(model.name.oneLine) (\(what); \(size))"
    }
}
