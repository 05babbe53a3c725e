import ArgumentParser
import Archive
import Cell
import Endpoints
import Foundation
import Gateway
import Logging
import ServiceLifecycle
import UnixSignals

/// `cloister serve`.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run Cloister: open the page, answer, keep everything sealed.")

    @OptionGroup var common: CommonOptions
    @Option(help: "TCP port on loopback (default 8420).")
    var port: Int?
    @Option(help: "A model file (GGUF). Without one, the built-in guide answers: it knows Cloister and privacy only.")
    var model: String?
    @Option(help: "Longest context in tokens (default: the model's, at most 4096).")
    var context: Int?
    @Option(help: "Threads that compute (default: all cores).")
    var threads: Int?

    func run() async throws {
        try await explained {
            let settings = try await common.settings([
                "port": port.map(String.init), "model": model, "context": context.map(String.init),
                "threads": threads.map(String.init),
            ])
            let node = try await Node.build(settings)
            try await serve(node, settings)
            await node.host.closeAll()
            node.archive.close()
        }
    }

    private func serve(_ node: Node, _ settings: Settings) async throws {
        var logger = Logger(label: "cloister") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let socket = try LocalSocket.prepare(in: node.directory.path)
        let archive = node.archive
        let door = Door(carrier: node.host) { await Node.health(archive) }
        let lines = Banner.lines(node, settings)
        let services = Gateway.services(
            GatewayOptions(port: settings.port, socketPath: socket), door: HostDoor(host: node.host), logger: logger
        ) { router in
            door.add(to: router)
        } whenListening: {
            // Straight to the descriptor: a pipe that reads the link must not wait for a buffer to fill.
            Terminal.show(lines.joined(separator: "\n") + "\n")
        }
        let group = ServiceGroup(
            configuration: .init(
                services: (services + [Sweeper(host: node.host)]).map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }
}

/// What is printed when the server listens.
enum Banner {
    static func lines(_ node: Node, _ settings: Settings) -> [String] {
        let description = node.model.description
        let what = description.guide ? "built-in guide: knows Cloister and privacy only" : description.quantisation
        let memory = ProcessInfo.processInfo.physicalMemory >> 30
        let setup = node.setupToken.map { "setup=\($0)&" } ?? ""
        return [
            "Cloister, on this machine only",
            "  hardware   \(ProcessInfo.processInfo.activeProcessorCount) cores, \(memory) GiB memory, \(node.model.instructions) kernels",
            "  model      \(description.name) (\(what); \(description.parameters / 1_000) thousand parameters, \(description.bytes >> 10) KiB)",
            "  data       \(node.directory.path) (sealed)",
            "  open       http://localhost:\(settings.port)/#\(setup)node=\(node.host.fingerprint)",
        ]
            + (node.setupToken == nil
                ? [] : ["             the link creates the owner, once; keep it to yourself until then"])
    }
}
