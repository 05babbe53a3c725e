/// Whose folder a model lies in.
public enum StoreKind: String, Codable, Sendable, CaseIterable {
    /// Cloister's own store, inside the data directory.
    case own = "cloister"
    /// A folder that the person named.
    case folder
    /// Ollama's manifests and blobs.
    case ollama
    /// The hub cache of Hugging Face, which newer llama.cpp shares.
    case huggingFace = "huggingface"
    /// The flat folder of older llama.cpp.
    case llamaCpp = "llama.cpp"
    /// LM Studio.
    case lmStudio = "lmstudio"
    /// Jan.
    case jan
    /// GPT4All.
    case gpt4All = "gpt4all"
}

/// A model file that was found; nothing in it has been read yet.
public struct FoundModel: Sendable, Equatable {
    /// Where it was found.
    public let store: StoreKind
    /// What its store calls it, for example `llama3.2:1b` or `org/repository/file`.
    public let name: String
    /// The file itself, absolute and without symbolic links.
    public let path: String
    /// SHA-256 that the store promises by the file's name or beside it, hexadecimal; nil: none.
    public let promisedDigest: String?

    /// Unique on this machine: `store:name`.
    public var id: String { "\(store.rawValue):\(name)" }

    /// A model file.
    public init(store: StoreKind, name: String, path: String, promisedDigest: String? = nil) {
        (self.store, self.name, self.path, self.promisedDigest) = (store, name, path, promisedDigest)
    }
}

/// Something in a store that looked like a model and is not offered, with the reason.
public struct SkippedEntry: Sendable, Equatable, Codable {
    /// Where it is.
    public let store: StoreKind
    /// Its place inside the store.
    public let place: String
    /// One sentence for a person.
    public let reason: String
}

/// What a search found.
public struct Findings: Sendable {
    /// Models, in the order of stores and names.
    public internal(set) var models: [FoundModel] = []
    /// What was passed over.
    public internal(set) var skipped: [SkippedEntry] = []
}
