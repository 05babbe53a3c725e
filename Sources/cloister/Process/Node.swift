import Archive
import Catalogue
import Cell
import Cryptography
import Foundation

/// Everything that a command without a server is made of, joined: all of it in this process.
struct Node {
    let directory: DataDirectory
    let archive: Archive
    let cells: CellNode
    /// What the first account is made with; nil if there is one.
    let setupToken: String?

    /// Opens the data directory, finds the models, and makes the host of the cells.
    static func build(_ settings: Settings) async throws -> Node {
        let ground = try await Ground.lay(settings)
        let host = CellHost(
            lookupKey: CellHost.lookupKey(nodeSecret: ground.secret), store: ArchiveStore(archive: ground.archive),
            models: try Shelf(settings, own: OwnStore(in: ground.directory.path)),
            neighbours: Alone(setupToken: ground.setupToken), evidence: ground.evidence)
        return Node(
            directory: ground.directory, archive: ground.archive,
            cells: try CellNode(nodeSecret: ground.secret, host: host), setupToken: ground.setupToken)
    }
}

/// What both a command alone and a server stand on: the data directory, the archive and the node's identity.
struct Ground: ~Copyable {
    let directory: DataDirectory
    let archive: Archive
    /// The seed of the node's identity.
    let secret: Secret
    /// What the first account is made with; nil if there is one.
    let setupToken: String?

    static func lay(_ settings: Settings) async throws -> Ground {
        let directory = try DataDirectory(path: settings.data)
        // First, so that a key that cannot be trusted leaves the archive as it is.
        let secret = try nodeSecret(in: directory)
        let archive = try Archive(in: directory)
        _ = try await archive.deleteExpired(today: UInt32(clamping: Int(Date().timeIntervalSince1970 / 86_400)))
        let setupToken = try await archive.hasAccounts() ? nil : Base64URL.encode(randomBytes(16))
        return Ground(
            directory: directory, archive: archive, secret: secret, setupToken: setupToken)
    }

    /// What this process can show of its connections, and where the archive lies.
    var evidence: @Sendable () -> ProcessEvidence {
        let file = Archive.file(in: directory)
        return {
            var evidence = SocketTables.read()
            evidence.archive = file
            return evidence
        }
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
