/// Which model a person means: `hub:org/repository/file.gguf`, `ollama:llama3.2:1b`.
///
/// Every part has a small alphabet and none is `.` or `..`, so a part can stand in a path as it is.
public struct ModelReference: Hashable, Sendable {
    /// Where in a registry it lies.
    public enum Place: Hashable, Sendable {
        /// A repository of a Hugging Face hub.
        case hub(repository: String, revision: String, choice: Choice)
        /// A tag of an Ollama registry.
        case ollama(path: String, tag: String)
    }

    /// Which file of a repository.
    public enum Choice: Hashable, Sendable {
        /// The only one, or the one of type Q4_K_M.
        case standard
        /// The one whose name has this in it, in any case.
        case type(String)
        /// This one.
        case file(String)
    }

    /// Where in a registry it lies.
    public let place: Place

    /// Reads `hub:ORG/REPOSITORY[@REVISION][/FILE.gguf | :TYPE]` or `ollama:[NAMESPACE/]NAME[:TAG]`.
    /// - Throws: `MisspelledReference`.
    public init(_ text: String) throws(MisspelledReference) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.utf8.count <= 512, parts.count == 2 else { throw MisspelledReference() }
        switch parts[0] {
        case "hub": place = try Self.hub(parts[1])
        case "ollama": place = try Self.ollama(parts[1])
        default: throw MisspelledReference()
        }
    }

    private static func hub(_ text: Substring) throws(MisspelledReference) -> Place {
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = halves[0].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 2 else { throw MisspelledReference() }
        let named = parts[1].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let file = parts.dropFirst(2)
        let type = halves.count > 1 ? halves[1] : nil
        let words = [parts[0]] + named + file + (type.map { [$0] } ?? [])
        guard words.allSatisfy(isPart), file.isEmpty || (type == nil && isModelFile(file.joined(separator: "/"))) else {
            throw MisspelledReference()
        }
        let choice: Choice =
            type.map { .type(String($0)) } ?? (file.isEmpty ? .standard : .file(file.joined(separator: "/")))
        return .hub(
            repository: "\(parts[0])/\(named[0])", revision: named.count > 1 ? String(named[1]) : "main",
            choice: choice)
    }

    private static func ollama(_ text: Substring) throws(MisspelledReference) -> Place {
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = halves[0].split(separator: "/", omittingEmptySubsequences: false)
        let tag = halves.count > 1 ? halves[1] : "latest"
        guard (1...2).contains(parts.count), (parts + [tag]).allSatisfy(isPart) else { throw MisspelledReference() }
        return .ollama(path: (parts.count == 1 ? ["library"] + parts : parts).joined(separator: "/"), tag: String(tag))
    }

    /// Whether a path of a listing could also be written in a reference and is a model.
    public static func isModelFile(_ path: String) -> Bool {
        path.lowercased().hasSuffix(".gguf")
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(isPart)
    }

    private static func isPart(_ part: Substring) -> Bool {
        guard (1...120).contains(part.utf8.count), part.utf8.first.map({ isWord($0) }) == true else { return false }
        return part.utf8.allSatisfy { isWord($0) || $0 == 0x2d || $0 == 0x2e || $0 == 0x2b }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f
    }
}

extension ModelReference: CustomStringConvertible {
    /// The whole name, with what was left away.
    public var description: String {
        switch place {
        case .hub(let repository, let revision, let choice):
            let base = "hub:\(repository)" + (revision == "main" ? "" : "@\(revision)")
            switch choice {
            case .standard: return base
            case .type(let type): return "\(base):\(type)"
            case .file(let file): return "\(base)/\(file)"
            }
        case .ollama(let path, let tag): return "ollama:\(path):\(tag)"
        }
    }

    /// What a copy of it is called where no folders and colons may be.
    /// - Parameter file: the file that was chosen, if its registry has files.
    public func shortName(_ file: String?) -> String {
        let name: String =
            switch place {
            case .hub: String((file ?? description).split(separator: "/").last ?? "model")
            case .ollama(let path, let tag):
                (path.split(separator: "/").filter { $0 != "library" } + [Substring(tag)]).joined(separator: "-")
            }
        let stem = name.lowercased().hasSuffix(".gguf") ? String(name.dropLast(5)) : name
        return stem.replacing("+", with: "-")
    }
}

/// A model's name that cannot be read.
public struct MisspelledReference: Error, Equatable, CustomStringConvertible {
    /// One sentence for a person.
    public var description: String {
        "a model is called hub:ORG/REPOSITORY, hub:ORG/REPOSITORY/FILE.gguf, hub:ORG/REPOSITORY:TYPE or ollama:NAME:TAG"
    }
}
