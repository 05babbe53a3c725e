import Archive
import Catalogue
import Cell
import Cryptography
import Foundation

/// Everything that a running Cloister is made of, joined.
struct Node {
    let directory: DataDirectory
    let archive: Archive
    let host: CellHost
    let shelf: Shelf
    /// What the first account is made with; nil if there is one.
    let setupToken: String?

    /// Opens the data directory, finds the models, and makes the host of the cells.
    static func build(_ settings: Settings) async throws -> Node {
        let directory = try DataDirectory(path: settings.data)
        // First, so that a key that cannot be trusted leaves the archive as it is.
        let nodeSecret = try nodeSecret(in: directory)
        let archive = try Archive(in: directory)
        _ = try await archive.deleteExpired(today: UInt32(clamping: Int(Date().timeIntervalSince1970 / 86_400)))
        let shelf = try Shelf(settings, own: OwnStore(in: directory.path))
        let setupToken = try await archive.hasAccounts() ? nil : Base64URL.encode(randomBytes(16))
        let host = try CellHost(
            nodeSecret: nodeSecret, setupToken: setupToken, store: ArchiveStore(archive: archive),
            models: shelf,
            evidence: {
                var evidence = SocketTables.read()
                evidence.archive = Archive.file(in: directory)
                return evidence
            })
        return Node(directory: directory, archive: archive, host: host, shelf: shelf, setupToken: setupToken)
    }

    /// The seed of the node's identity: made once, private to the user, never sent.
    private static func nodeSecret(in directory: DataDirectory) throws -> Secret {
        if var bytes = try directory.read(DataDirectory.nodeKeyName) {
            defer { bytes.erase() }
            guard bytes.count == 32 else { throw ArchiveError.damaged }
            return Secret(bytes)
        }
        let secret = Secret.random()
        var bytes = secret.withUnsafeBytes { Array($0) }
        defer { bytes.erase() }
        try directory.create(DataDirectory.nodeKeyName, bytes)
        return secret
    }
}
