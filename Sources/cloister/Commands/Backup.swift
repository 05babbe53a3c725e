import Archive
import ArgumentParser
import Cryptography
import Foundation
import Vault

/// `cloister backup`.
struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write everything that is stored to one file, sealed as it lies on the disk.",
        discussion: """
            The file holds ciphertext and this node's identity; it opens with the
            passphrases of today. Models are not in it. A running server goes on.

            Examples:
              cloister backup monday.cloister
              cloister backup --force /mnt/stick/cloister.backup
            """)

    @OptionGroup var common: CommonOptions
    @Flag(help: "Replace the file if it is there.")
    var force = false
    @Argument(help: "The file to write.", completion: .file())
    var file: String

    func run() async throws {
        try await explained {
            let directory = try Session.absolute(try common.settings().data)
            guard FileManager.default.fileExists(atPath: directory) else {
                throw UserError("there is no data directory at \(directory); name another with --data")
            }
            guard force || !FileManager.default.fileExists(atPath: file) else {
                throw UserError("\(file) is there already; choose another name, or replace it with --force")
            }
            let folder = URL(filePath: file).deletingLastPathComponent().resolvingSymlinksInPath().path
            guard !(folder + "/").hasPrefix(directory + "/") else {
                throw UserError("\(file) lies in the data directory and would be lost with it; choose another place")
            }
            let snapshot = try await Self.snapshot(of: directory)
            let size = try BackupFile.write(
                to: file, snapshot: snapshot.name, of: directory, hash: sha256(pulling:)
            ) { Terminal.progress("backing up", Int(clamping: $0), Int(clamping: $1)) }
            withExtendedLifetime(snapshot) {}
            Terminal.show("\(file) holds everything of \(directory): \(Amount.bytes(Int(clamping: size))), checked\n")
        }
    }

    /// A copy of the archive: from the server if one runs, else made here.
    /// - Returns: its name, and the directory's lock, to be kept until the copy was read; nil if the server has it.
    private static func snapshot(of directory: String) async throws -> (name: String, lock: DataDirectory?) {
        guard !DataDirectory.isHeld(path: directory) else {
            let trusted = try DataDirectory.trusted(path: directory)
            let name = try await HTTPCarrier.local(LocalSocket.path(in: trusted)).snapshot()
            guard Archive.isSnapshot(name) else {
                throw UserError("the server answered in a way that this version does not know; is it an older one?")
            }
            return (name, nil)
        }
        let held = try DataDirectory(path: directory)
        let archive = try Archive(in: held)
        defer { archive.close() }
        guard try await archive.hasAccounts() else {
            throw UserError("there is nothing to back up: \(held.path) has no owner yet")
        }
        return (try await archive.snapshot(), held)
    }
}

/// `cloister restore`.
struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a data directory from a backup, after checking all of it.",
        discussion: """
            The directory must not be there yet, or be empty. It opens with the
            passphrases of the day of the backup.

            Examples:
              cloister restore monday.cloister
              cloister restore monday.cloister --data /srv/cloister
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The backup.", completion: .file())
    var file: String

    func run() async throws {
        try await explained {
            let directory = try common.settings().data
            let contents = try Restoration.restore(
                file, to: directory, hash: sha256(pulling:), isAccount: Self.isAccount
            ) { Terminal.progress("restoring", Int(clamping: $0), Int(clamping: $1)) }
            Terminal.show(
                "\(directory) is made: accounts \(contents.accounts), conversations \(contents.conversations), records \(contents.records)\n"
            )
        }
    }

    private static func isAccount(_ row: AccountRow) -> Bool {
        guard let account = try? Account(decoding: row.record) else { return false }
        return account.id.bytes == row.id && account.revision == row.revision
    }
}
