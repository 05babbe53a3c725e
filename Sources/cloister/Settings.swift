import ArgumentParser
import Cell
import Configuration
import Confinement
import Courier
import References
import Foundation
import Inference

/// The settings, one form each: a flag, `CLOISTER_…` in the environment, or a key of the configuration file, in this
/// order.
struct Settings: Sendable {
    static let keys =
        [
            "data", "port", "model", "models", "memory", "context", "threads", "kv-cache", "registries", "air-gap",
            "engine", "cells",
        ] + Reach.keys
    /// Variables of ours that are no settings.
    private static let otherVariables: Set = ["CLOISTER_CONFIG", "CLOISTER_SHARED", Policy.furtherVariable]

    let data: String
    let port: Int
    /// A file, or the name of a model that is on this machine.
    let model: String?
    /// Folders to search for models, separated by colons.
    let models: [String]
    /// Memory that models may take, GiB.
    let memory: Int?
    let context: Int?
    let threads: Int?
    /// How keys and values are kept.
    let keyValueType: KeyValueType
    /// Where an engine waits that runs the model already; nil: it is run here.
    let engine: StreamAddress?
    /// Where a host of cells waits; nil: they run here.
    let cells: StreamAddress?
    /// Whom models may be fetched from; nobody unless the person says so.
    let registries: [Registry]
    /// Whether nothing may be fetched, and by whose word.
    let airGap: AirGap
    var isAirGapped: Bool { airGap != .off }
    /// Who is served beyond loopback; nil: nobody.
    let reach: Reach?

    /// - Parameter flags: what the command line said.
    /// - Throws: `UserError` for an unknown key or a value out of range.
    init(flags: [String: String], environment: [String: String], file: String?) throws {
        let policy = try Policy.read(environment: environment)
        let ours = environment.keys.filter { $0.hasPrefix("CLOISTER_") && !Self.otherVariables.contains($0) }
        for key in ours {
            let name = key.dropFirst(9).lowercased().replacing("_", with: "-")
            try Self.check(name, in: "the environment (\(key))")
        }
        var providers: [any ConfigProvider] = [
            InMemoryProvider(
                values: Dictionary(
                    uniqueKeysWithValues: flags.map {
                        (AbsoluteConfigKey([$0.key]), ConfigValue(.string($0.value), isSecret: false))
                    })),
            EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "cloister"),
        ]
        let path = file ?? environment["CLOISTER_CONFIG"] ?? Self.standardFile(environment)
        if FileManager.default.fileExists(atPath: path) {
            guard
                let object = try? JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
                    as? [String: Any]
            else {
                throw UserError("the configuration file \(path) is not a JSON object")
            }
            for key in object.keys { try Self.check(key, in: path) }
            let text = object.mapValues { ConfigValue(.string("\($0)"), isSecret: false) }
            providers.append(
                InMemoryProvider(
                    values: Dictionary(uniqueKeysWithValues: text.map { (AbsoluteConfigKey([$0.key]), $0.value) })))
        } else if file != nil || environment["CLOISTER_CONFIG"] != nil {
            throw UserError("there is no configuration file at \(path)")
        }
        let reader = ConfigReader(providers: providers)
        data = reader.string(forKey: "data") ?? Self.standardData(environment)
        port = try Self.number("port", reader, 1...65_535) ?? 8_420
        model = reader.string(forKey: "model")
        models = (reader.string(forKey: "models") ?? "").split(separator: ":").map(String.init)
        memory = try Self.number("memory", reader, 1...1_048_576)
        context = try Self.number("context", reader, 8...16_777_216)
        threads = try Self.number("threads", reader, 1...256)
        keyValueType = try KeyValueType(setting: reader.string(forKey: "kv-cache"))
        engine = try reader.string(forKey: "engine").map { try StreamAddress($0) }
        guard engine == nil || model != nil else { throw UserError("an engine elsewhere needs --model with its file") }
        cells = try reader.string(forKey: "cells").map { try StreamAddress($0) }
        registries = try Registry.list(reader.string(forKey: "registries") ?? "")
        let isWished = try Self.truth("air-gap", reader)
        airGap = policy.isAirGapped ? .policy : isWished ? .setting : .off
        guard cells == nil || airGap == .off else {
            throw UserError("under an air gap cells run here: a host elsewhere may have a network")
        }
        reach = try Reach(reader, isAirGapped: airGap != .off)
    }

    /// No wish for an air gap is lost to its spelling.
    private static func truth(_ key: String, _ reader: ConfigReader) throws -> Bool {
        switch reader.string(forKey: ConfigKey(key))?.lowercased() {
        case nil, "false", "0", "no": return false
        case "true", "1", "yes": return true
        default: throw UserError("\(key) must be true or false")
        }
    }

    static func number(_ key: String, _ reader: ConfigReader, _ range: ClosedRange<Int>) throws -> Int? {
        guard let text = reader.string(forKey: ConfigKey(key)) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw UserError("\(key) must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// An unknown key may be a wish that would silently not be granted (R27).
    private static func check(_ key: String, in place: String) throws {
        guard !keys.contains(key) else { return }
        let nearest = keys.min { distance($0, key) < distance($1, key) } ?? ""
        throw UserError("unknown setting \"\(key)\" in \(place); did you mean \"\(nearest)\"?")
    }

    /// Levenshtein's distance.
    static func distance(_ a: String, _ b: String) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var previous = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let change = previous + (x == y ? 0 : 1)
                previous = row[j + 1]
                row[j + 1] = min(change, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }

    private static func standardFile(_ environment: [String: String]) -> String {
        (environment["XDG_CONFIG_HOME"] ?? home(environment) + "/.config") + "/cloister/config.json"
    }

    static func standardData(_ environment: [String: String]) -> String {
        #if os(macOS)
            home(environment) + "/Library/Application Support/Cloister"
        #else
            (environment["XDG_DATA_HOME"] ?? home(environment) + "/.local/share") + "/cloister"
        #endif
    }

    static func home(_ environment: [String: String]) -> String { environment["HOME"] ?? NSHomeDirectory() }
}

extension KeyValueType {
    /// What `--kv-cache` says; nil: halves.
    init(setting: String?) throws {
        switch setting {
        case nil, "f16": self = .f16
        case "q8_0": self = .q8_0
        default: throw UserError("kv-cache must be f16 or q8_0")
        }
    }
}

/// Whether no courier can exist and no name is looked up, and who said so.
enum AirGap: String, Sendable {
    case off
    case setting = "a setting"
    case policy = "the machine's policy"
}

extension AirGapEvidence {
    /// What this process can show.
    init(_ airGap: AirGap) {
        self.init(setBy: airGap == .off ? nil : airGap.rawValue, network: NetworkNamespace.own.name)
    }
}

/// Something that the person at the terminal can put right.
struct UserError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The flags that every command has.
struct CommonOptions: ParsableArguments {
    @Option(help: "Where everything is kept, sealed. Default: the platform's data directory.", completion: .directory)
    var data: String?

    @Option(help: "A configuration file (JSON).", completion: .file())
    var config: String?

    func settings(_ more: [String: String?] = [:]) throws -> Settings {
        var flags = more.compactMapValues { $0 }
        flags["data"] = data
        return try Settings(flags: flags, environment: ProcessInfo.processInfo.environment, file: config)
    }
}
