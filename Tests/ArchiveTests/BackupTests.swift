import Cryptography
import Foundation
import GRDB
import Testing

@testable import Archive

struct BackupTests {
    private let scratch: Scratch
    private var source: String { scratch.path + "/source" }
    private var target: String { scratch.path + "/target" }
    private var file: String { scratch.path + "/backup" }

    /// An archive with two accounts and a conversation, backed up.
    init() async throws {
        scratch = try Scratch()
        let directory = try DataDirectory(path: scratch.path + "/source")
        try directory.create(DataDirectory.nodeKeyName, [UInt8](repeating: 5, count: 32))
        let archive = try Archive(in: directory)
        for byte in [UInt8(1), 2] { try await archive.insert(account(byte), lookup: [byte]) }
        try await archive.insert(conversation(9), account: id(1))
        try await archive.change(
            id(9), account: id(1), headVersion: 1, head: [5], record: record(0, [UInt8](repeating: 3, count: 9_000)))
        _ = try BackupFile.write(
            to: scratch.path + "/backup", snapshot: await archive.snapshot(), of: directory.path,
            hash: sha256(pulling:)
        ) { done, total in precondition(done <= total) }
        archive.close()
    }

    private func restore(isAccount: @escaping @Sendable (AccountRow) -> Bool = { _ in true }) throws -> ArchiveContents
    {
        try Restoration.restore(file, to: target, hash: sha256(pulling:), isAccount: isAccount) { done, total in
            precondition(done <= total)
        }
    }

    private func bytes() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: file))) }
    private func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: file)) }

    /// Packs a database as a backup whose digests are right, whatever is in it.
    private func pack(_ database: String) throws {
        let contents = [try Array(Data(contentsOf: URL(filePath: database))), [UInt8](repeating: 5, count: 32)]
        let entries = zip(BackupHeader.File.allCases, contents).map {
            BackupHeader.Entry(file: $0, length: UInt64($1.count), digest: sha256($1))
        }
        try write(BackupHeader(entries: entries).encoded(hash: sha256(pulling:)) + contents[0] + contents[1])
    }

    /// A copy of the database in rollback mode, changed by a statement.
    private func changed(by sql: String) throws -> String {
        let copy = scratch.path + "/changed.sqlite"
        let queue = try DatabaseQueue(path: source + "/archive/archive.sqlite")
        try queue.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [copy]) }
        let other = try DatabaseQueue(path: copy)
        try other.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA foreign_keys = OFF")
            try database.execute(sql: sql)
        }
        try other.close()
        return copy
    }

    @Test func `what was backed up comes back, and nothing lies around`() async throws {
        #expect(try restore() == ArchiveContents(accounts: 2, conversations: 1, records: 1))
        #expect(
            Set(try FileManager.default.contentsOfDirectory(atPath: target)) == ["archive", "node.key", "lock"])
        let directory = try DataDirectory(path: target)
        #expect(try directory.read("node.key") == [UInt8](repeating: 5, count: 32))
        let archive = try Archive(in: directory)
        #expect(try await archive.account(lookup: [2]) == account(2))
        #expect(try await archive.records(of: id(9), account: id(1)).map(\.box.count) == [9_000])
        #expect(
            Set(try FileManager.default.contentsOfDirectory(atPath: scratch.path)) == ["source", "target", "backup"])
        #expect(!scratch.files.contains { $0.contains("snapshot-") })
    }

    @Test func `every byte counts`() throws {
        let whole = try bytes()
        for index in Array(0..<BackupHeader.byteCount) + [200, whole.count / 2, whole.count - 1] {
            var changed = whole
            changed[index] ^= 1
            try write(changed)
            #expect(throws: ArchiveError.self, "byte \(index)") { _ = try restore() }
        }
        #expect(!FileManager.default.fileExists(atPath: target))
    }

    @Test func `a backup that is too short, too long or something else is refused with the reason`() throws {
        let whole = try bytes()
        for count in [4, 5, 119, 120, 700, whole.count - 1] {
            try write(Array(whole.prefix(count)))
            #expect(throws: ArchiveError.backup(.truncated), "\(count) bytes") { _ = try restore() }
        }
        try write(whole + [0])
        #expect(throws: ArchiveError.backup(.changed)) { _ = try restore() }
        for other in [[], Array("CLB".utf8), Array("hello".utf8)] {
            try write(other)
            #expect(throws: ArchiveError.backup(.foreign)) { _ = try restore() }
        }
        var newer = whole
        newer[4] = 2
        try write(newer)
        #expect(throws: ArchiveError.backup(.newer)) { _ = try restore() }
        try FileManager.default.removeItem(atPath: file)
        #expect(throws: ArchiveError.backup(.unreadable)) { _ = try restore() }
        #expect(!FileManager.default.fileExists(atPath: target))
    }

    @Test(arguments: [UInt64.max, UInt64.max - 120, 1 << 40 + 1, 1 << 40, 0, 511] as [UInt64])
    func `lengths that cannot be are refused without a trap`(_ length: UInt64) throws {
        let entries = [
            BackupHeader.Entry(file: .database, length: length, digest: [UInt8](repeating: 0, count: 32)),
            BackupHeader.Entry(file: .nodeKey, length: 32, digest: [UInt8](repeating: 0, count: 32)),
        ]
        try write(BackupHeader(entries: entries).encoded(hash: sha256(pulling:)))
        #expect(throws: ArchiveError.self) { _ = try restore() }
    }

    @Test(arguments: [
        "CREATE TRIGGER t AFTER INSERT ON account BEGIN DELETE FROM record; END",
        "CREATE VIEW v AS SELECT 1", "CREATE TABLE more (x)", "DROP INDEX conversation_account",
        "DELETE FROM account WHERE id = zeroblob(16) OR true", "DELETE FROM grdb_migrations",
        "UPDATE account SET id = x'00' WHERE lookup = x'02'",
        "UPDATE account SET record = zeroblob(300000) WHERE lookup = x'02'", "PRAGMA journal_mode = WAL",
    ])
    func `a database that is not ours is refused though its digests are right`(_ sql: String) throws {
        try pack(try changed(by: sql))
        #expect(throws: ArchiveError.backup(.database)) { _ = try restore() }
        #expect(!FileManager.default.fileExists(atPath: target))
        #expect(!FileManager.default.fileExists(atPath: target + ".restoring"))
    }

    @Test func `a database of a newer version is said to be newer`() throws {
        try pack(try changed(by: "INSERT INTO grdb_migrations VALUES ('999')"))
        #expect(throws: ArchiveError.backup(.newer)) { _ = try restore() }
    }

    @Test func `another wording of the migrations' own table is no other schema`() throws {
        try pack(
            try changed(
                by: """
                    PRAGMA writable_schema = ON;
                    UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '  NOT NULL') WHERE name = 'grdb_migrations'
                    """))
        #expect(try restore().accounts == 2)
    }

    @Test func `an account that has no account's form is refused`() throws {
        #expect(throws: ArchiveError.backup(.database)) { _ = try restore { $0.id != id(2) } }
    }

    @Test func `a target that is taken stays as it is`() throws {
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
        try Data([1]).write(to: URL(filePath: target + "/mine"))
        #expect(throws: ArchiveError.untrustedDirectory(.notEmpty)) { _ = try restore() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: target) == ["mine"])
        try FileManager.default.removeItem(atPath: target + "/mine")
        #expect(try restore().accounts == 2)
        try FileManager.default.removeItem(atPath: target)
        try FileManager.default.createSymbolicLink(atPath: target, withDestinationPath: source)
        #expect(throws: ArchiveError.untrustedDirectory(.symlink)) { _ = try restore() }
    }

    @Test func `what a killed restoration left is cleared, what is not ours is not`() throws {
        let staging = try DataDirectory(path: target + ".restoring").path
        try FileManager.default.createDirectory(atPath: staging + "/archive", withIntermediateDirectories: false)
        try Data([1]).write(to: URL(filePath: staging + "/archive/archive.sqlite"))
        #expect(try restore().accounts == 2)
        try FileManager.default.removeItem(atPath: target)
        do {
            let held = try DataDirectory(path: staging)
            #expect(throws: ArchiveError.inUse) { _ = try restore() }
            withExtendedLifetime(held) {}
        }
        try Data([1]).write(to: URL(filePath: staging + "/mine"))
        #expect(throws: ArchiveError.untrustedDirectory(.notEmpty)) { _ = try restore() }
        #expect(FileManager.default.fileExists(atPath: staging + "/mine"))
    }

    @Test func `a damaged archive is not backed up, and an old backup stays`() async throws {
        let before = try bytes()
        let queue = try DatabaseQueue(path: source + "/archive/archive.sqlite")
        try await queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA foreign_keys = OFF; DELETE FROM account WHERE lookup = x'01'")
        }
        let archive = try Archive(in: DataDirectory(path: source))
        let snapshot = try await archive.snapshot()
        #expect(throws: ArchiveError.damaged) {
            _ = try BackupFile.write(to: file, snapshot: snapshot, of: source, hash: sha256(pulling:)) { _, _ in }
        }
        #expect(try bytes() == before)
        #expect(!scratch.files.contains { $0.contains("snapshot-") })
    }

    @Test func `snapshots that a kill left go at the next start`() async throws {
        let left = source + "/archive/snapshot-\(UUID().uuidString).sqlite"
        for ending in ["", "-journal"] { try Data([1]).write(to: URL(filePath: left + ending)) }
        try Data([1]).write(to: URL(filePath: source + "/archive/snapshot-mine.sqlite"))
        try Archive(in: DataDirectory(path: source)).close()
        for ending in ["", "-journal"] { #expect(!FileManager.default.fileExists(atPath: left + ending)) }
        #expect(FileManager.default.fileExists(atPath: source + "/archive/snapshot-mine.sqlite"))
        #expect(!Archive.isSnapshot("../snapshot-x.sqlite") && !Archive.isSnapshot("archive.sqlite"))
    }
}
