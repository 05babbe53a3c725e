import Archive
import Cell
import Cryptography
import Foundation
import Inference

/// Everything that a running Cloister is made of, joined.
struct Node {
    private static let keyFile = "node.key"

    let directory: DataDirectory
    let archive: Archive
    let host: CellHost
    let model: LoadedModel
    /// What the first account is made with; nil if there is one.
    let setupToken: String?

    /// Opens the data directory, loads the model, and makes the host of the cells.
    static func build(_ settings: Settings) async throws -> Node {
        let directory = try DataDirectory(path: settings.data)
        let archive = try Archive(in: directory)
        _ = try await archive.deleteExpired(today: UInt32(clamping: Int(Date().timeIntervalSince1970 / 86_400)))
        let model = try loadModel(settings)
        let setupToken = try await archive.hasAccounts() ? nil : Base64URL.encode(randomBytes(16))
        let host = try CellHost(
            nodeSecret: nodeSecret(in: directory), setupToken: setupToken, store: ArchiveStore(archive: archive),
            model: model,
            evidence: { SocketTables.read() })
        return Node(directory: directory, archive: archive, host: host, model: model, setupToken: setupToken)
    }

    private static func loadModel(_ settings: Settings) throws -> LoadedModel {
        let options = EngineOptions(threads: settings.threads, contextLength: settings.context)
        guard let path = settings.model else {
            return try LoadedModel(try BuiltInGuide.open(), options: options, isGuide: true)
        }
        return try LoadedModel(try ModelFile(path: path), options: options, isGuide: false)
    }

    /// The seed of the node's identity: made once, private to the user, never sent.
    private static func nodeSecret(in directory: DataDirectory) throws -> Secret {
        if var bytes = try directory.read(keyFile) {
            defer { bytes.erase() }
            guard bytes.count == 32 else { throw ArchiveError.damaged }
            return Secret(bytes)
        }
        let secret = Secret.random()
        var bytes = secret.withUnsafeBytes { Array($0) }
        defer { bytes.erase() }
        try directory.create(keyFile, bytes)
        return secret
    }
}
