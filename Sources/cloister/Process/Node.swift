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
        let directory = try DataDirectory(path: settings.data)
        // First, so that a key that cannot be trusted leaves the archive as it is.
        let secret = try directory.nodeSecret()
        let archive = try Archive(in: directory)
        try await archive.expire()
        let setupToken = try await archive.hasAccounts() ? nil : newSetupToken()
        let host = CellHost(
            lookupKey: CellHost.lookupKey(nodeSecret: secret), store: ArchiveStore(archive: archive),
            models: try await Shelf(settings, own: OwnStore(in: directory.path)),
            neighbours: Alone(setupToken: setupToken),
            evidence: {
                var evidence = SocketTables.read()
                evidence.archive = Archive.file(in: directory)
                evidence.airGap = AirGapEvidence(settings.airGap)
                return evidence
            })
        return Node(
            directory: directory, archive: archive, cells: try CellNode(nodeSecret: secret, host: host),
            setupToken: setupToken)
    }
}

/// What the first account is made with, once: 128 random bits.
func newSetupToken() -> String { Base64URL.encode(randomBytes(16)) }

extension Archive {
    /// Deletes what was to be kept until before today.
    func expire() async throws(ArchiveError) {
        _ = try await deleteExpired(today: UInt32(clamping: Int(Date().timeIntervalSince1970 / 86_400)))
    }
}

extension DataDirectory {
    /// The seed of the node's identity: made once, private to the user, never sent.
    func nodeSecret() throws -> Secret {
        if var bytes = try read(DataDirectory.nodeKeyName) {
            defer { bytes.erase() }
            guard bytes.count == 32 else { throw ArchiveError.damaged }
            return Secret(bytes)
        }
        let secret = Secret.random()
        var bytes = secret.withUnsafeBytes { Array($0) }
        defer { bytes.erase() }
        try create(DataDirectory.nodeKeyName, bytes)
        return secret
    }
}
