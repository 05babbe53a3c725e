import ArgumentParser
import Archive
import Cell
import Confinement
import Foundation
import Inference
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
              cloister serve --model m.gguf --engine unix:/run/user/1000/engine.sock
              cloister serve --host 0.0.0.0 --names cloister.example,192.0.2.10
              cloister serve --air-gap
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
    @Option(help: "How keys and values are kept: f16, or q8_0 in half the memory (default: f16).")
    var kvCache: String?
    @Option(help: "An engine that runs the model already, as `cloister engine` says: unix:/path or vsock:CID:PORT.")
    var engine: String?
    @Option(help: "A host of people's cells, as `cloister cells` says: unix:/path or vsock:CID:PORT.")
    var cells: String?
    @Flag(help: "No process here may ever dial or look up a name; cells and engines get an empty network each.")
    var airGap = false

    @OptionGroup(title: "Beyond this machine (docs/beyond-loopback.md)") var reach: ReachOptions

    func run() async throws {
        try await explained {
            let settings = try settings()
            let stops = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            let server = try await Server.build(settings)
            server.warmUp()
            let lines = await Banner.lines(server, settings)
            try await server.open()
            // Straight to the descriptor: a pipe that reads the link must not wait for a buffer to fill.
            Terminal.say(lines.joined(separator: "\n") + "\n")
            for await _ in stops { break }
            await server.close()
        }
    }
}

extension Serve: Supervising {
    func folders() throws -> [Purpose: String] {
        let settings = try settings()
        let own = try DataDirectory.checked(path: settings.data)
        return settings.isAirGapped ? [.ownFolder: own, .idMaps: "/proc"] : [.ownFolder: own]
    }

    private func settings() throws -> Settings {
        try common.settings(
            [
                "port": port.map(String.init), "model": model, "models": models, "memory": memory.map(String.init),
                "context": context.map(String.init),
                "threads": threads.map(String.init), "kv-cache": kvCache, "air-gap": airGap ? "true" : nil,
                "engine": engine,
                "cells": cells,
            ].merging(reach.flags) { $1 })
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
            settings.reach == nil ? "Cloister, on this machine only" : "Cloister, on this machine and beyond it",
            "  hardware   \(ProcessInfo.processInfo.activeProcessorCount) cores, \(memory) GiB memory, \(Engine.instructions) kernels",
            "  model      \(models.first.map(said) ?? "none")"
                + (others == 0 ? "" : ", and \(others) more on this machine: cloister models list"),
            "  data       \(server.directory.path) (sealed)"
                + (settings.isAirGapped ? "\n  air gap    on, by \(settings.airGap.rawValue): nothing is fetched" : ""),
            "  open       http://localhost:\(settings.port)/#\(setup)node=\(server.cells.fingerprint)",
        ]
            + (server.setupToken == nil
                ? [] : ["             the link creates the owner, once; keep it to yourself until then"])
            + reachLines(server, settings.reach)
    }

    private static func said(_ model: ModelDescription) -> String {
        let what = model.guide ? "built-in guide: knows Cloister and privacy only" : model.quantisation
        let size = "\(Amount.count(model.parameters)) parameters, \(Amount.bytes(model.bytes))"
        return "\(model.name.oneLine) (\(what); \(size))"
    }
}
