import Archive
import ArgumentParser
import Catalogue
import Cell
import Foundation
import Inference

/// `cloister models`.
struct Models: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "The models on this machine: Cloister's own, and those that other programs keep, which are only read.",
        discussion: """
            Examples:
              cloister models list                       what is here, and whether it runs
              cloister models default llama3.2:1b        what answers when nobody says otherwise
              cloister models add ~/Downloads/m.gguf     a checked copy in Cloister's own store
              cloister models pull ollama:llama3.2:1b    the same, from a registry that you configured
            """,
        subcommands: [List.self, Add.self, Pull.self, Remove.self, Verify.self, Accept.self, Default.self],
        defaultSubcommand: List.self)

    /// What every subcommand has.
    struct Options: ParsableArguments {
        @OptionGroup var common: CommonOptions
        @Option(help: "Folders to search too, separated by colons.")
        var models: String?

        func open(_ more: [String: String?] = [:]) async throws
            -> (settings: Settings, catalogue: Catalogue, own: OwnStore)
        {
            let settings = try common.settings(more.merging(["models": models]) { $1 })
            let own = OwnStore(in: try DataDirectory.checked(path: settings.data))
            let environment = ProcessInfo.processInfo.environment
            return (settings, Catalogue(environment: environment, folders: settings.models, own: own.path), own)
        }
    }

    /// The same, with one model by its name.
    struct Named: ParsableArguments {
        @OptionGroup var options: Options
        @Argument(help: "Its name.")
        var name: String

        func open() async throws -> (model: FoundModel, own: OwnStore) {
            let (_, catalogue, own) = try await options.open()
            return (try catalogue.model(named: name), own)
        }
    }
}

extension Models {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List every model that is here.",
            discussion: """
                Examples:
                  cloister models list
                  cloister models list --models /srv/models:/mnt/more --json
                """)

        @OptionGroup var options: Options
        @Flag(help: "As JSON.")
        var json = false

        private struct Report: Encodable {
            let models: [ModelDescription]
            let skipped: [SkippedEntry]
        }

        func run() async throws {
            try await explained {
                let (settings, catalogue, own) = try await options.open()
                let shelf = try await Shelf(settings, own: own)
                let (models, skipped) = (await shelf.models(), catalogue.search().skipped)
                if json {
                    let encoder = JSONEncoder()
                    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                    let report = try encoder.encode(Report(models: models, skipped: skipped))
                    Terminal.say(String(decoding: report, as: UTF8.self) + "\n")
                } else {
                    Terminal.say(models.map(Self.lines).joined(separator: "\n") + "\n")
                    for entry in skipped {
                        Terminal.note("passed over: \(entry.store.rawValue) \(entry.place): \(entry.reason)")
                    }
                }
            }
        }

        private static func lines(_ model: ModelDescription) -> String {
            let facts = [
                model.architecture, "\(Amount.count(model.parameters)) parameters", model.quantisation,
                Amount.bytes(model.bytes), "context \(model.context)", model.licence.map { "licence \($0)" },
            ]
            let conversation = Amount.bytes(model.needs - model.bytes)
            let sum = "needs \(Amount.bytes(model.needs)): the file, and \(conversation) for a full conversation"
            let state =
                !model.obstacles.isEmpty
                ? "does not run: \(model.obstacles.joined(separator: "; "))"
                : model.fits ? "runs; \(sum)" : "does not fit; \(sum)"
            return [
                "\(model.standard ? "*" : " ") \(model.id)", "    \(facts.compactMap { $0 }.joined(separator: ", "))",
                "    \(state)",
            ].map(\.oneLine).joined(separator: "\n")
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a model file into Cloister's own store.",
            discussion: """
                Examples:
                  cloister models add ~/Downloads/m.gguf --name mine
                """)

        @OptionGroup var options: Options
        @Argument(help: "A GGUF file.", completion: .file(extensions: ["gguf"]))
        var file: String
        @Option(help: "What to call it (default: the file's name).")
        var name: String?

        func run() async throws {
            try await explained {
                let (_, _, own) = try await options.open()
                let name = name ?? URL(filePath: file).deletingPathExtension().lastPathComponent
                let model = try own.add(file, as: name) { Terminal.progress("copying", $0, $1) }
                Terminal.say("added \(model.id), SHA-256 \(own.memory().digests[model.id] ?? "")\n")
                for obstacle in try model.open().inspect().obstacles { Terminal.note("but: \(obstacle)") }
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a model from Cloister's own store.",
            discussion: """
                Examples:
                  cloister models remove mine
                """)

        @OptionGroup var named: Named

        func run() async throws {
            try await explained {
                let (model, own) = try await named.open()
                guard model.store == .own else {
                    throw UserError("\(model.id) belongs to another program; Cloister only reads it")
                }
                try own.remove(model)
                Terminal.say("removed \(model.id)\n")
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hash a model file and compare it with what its store promises and with its first use.",
            discussion: """
                Examples:
                  cloister models verify llama3.2:1b
                """)

        @OptionGroup var named: Named

        func run() async throws {
            try await explained {
                let (model, own) = try await named.open()
                let file = try model.open()
                let digest = try model.verify(file, in: own) { Terminal.progress("hashing", $0, file.byteCount) }
                let promise = model.promisedDigest == nil ? "" : ", as its store promises"
                Terminal.say("\(model.id) is unchanged: SHA-256 \(digest)\(promise)\n")
            }
        }
    }

    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that you replaced a model's file: its new digest is remembered.",
            discussion: """
                Examples:
                  cloister models accept llama3.2:1b
                """)

        @OptionGroup var named: Named

        func run() async throws {
            try await explained {
                let (model, own) = try await named.open()
                try own.change { $0.digests[model.id] = nil }
                let digest = try model.verify(model.open(), in: own)
                Terminal.say("\(model.id) is now SHA-256 \(digest)\n")
            }
        }
    }

    struct Default: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Choose the model that answers when nobody says otherwise; `guide` is the built-in one.",
            discussion: """
                Examples:
                  cloister models default llama3.2:1b
                  cloister models default guide
                """)

        @OptionGroup var options: Options
        @Argument(help: "Its name.")
        var name: String

        func run() async throws {
            try await explained {
                let (_, catalogue, own) = try await options.open()
                let model = name == "guide" ? nil : try catalogue.model(named: name)
                if let obstacle = try model?.open().inspect().obstacles.first { throw obstacle }
                try own.change { $0.standard = model?.id }
                Terminal.say("\(model?.id ?? "guide") answers from now on\n")
            }
        }
    }
}
