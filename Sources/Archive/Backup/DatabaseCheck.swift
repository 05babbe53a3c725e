import Foundation
import GRDB

/// How much lies in an archive.
public struct ArchiveContents: Sendable, Equatable {
    /// Accounts.
    public let accounts: Int
    /// Conversations of all accounts.
    public let conversations: Int
    /// Records of all conversations.
    public let records: Int
}

/// Judges a database that nobody has open: a snapshot, or one that came from outside.
enum DatabaseCheck {
    /// An account's record is at most this long, `vault.md` §5.
    private static let recordLimit = 256 << 10

    /// - Parameter isAccount: whether a row's record has the form of an account; this room cannot read it.
    /// - Throws: `damaged` if it is not whole or not ours, `backup(.newer)` if a newer Cloister made it.
    static func contents(
        of file: String, isAccount: @escaping @Sendable (AccountRow) -> Bool
    ) throws(ArchiveError) -> ArchiveContents {
        // In another mode SQLite would read a log beside it, which is not there.
        let head = try OpenFile(reading: file).read(atMost: 20)
        guard head.count == 20, head.starts(with: Array("SQLite format 3\0".utf8)), head[18] == 1, head[19] == 1
        else { throw .damaged }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.prepareDatabase { database in
            for pragma in ["trusted_schema = OFF", "cell_size_check = ON", "temp_store = MEMORY"] {
                try database.execute(sql: "PRAGMA \(pragma)")
            }
        }
        return try translated {
            let queue = try DatabaseQueue(path: file, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read { database in
                try judge(database)
                try judgeAccounts(database, isAccount)
                return ArchiveContents(
                    accounts: try count("account", database), conversations: try count("conversation", database),
                    records: try count("record", database))
            }
        }
    }

    private static func judge(_ database: Database) throws {
        guard try String.fetchAll(database, sql: "PRAGMA integrity_check") == ["ok"],
            try Row.fetchOne(database, sql: "PRAGMA foreign_key_check") == nil
        else { throw ArchiveError.damaged }
        let applied = try Schema.migrator.appliedIdentifiers(database)
        guard try !Schema.migrator.hasBeenSuperseded(database) else { throw ArchiveError.backup(.newer) }
        guard let last = Schema.migrator.migrations.last(where: applied.contains) else { throw ArchiveError.damaged }
        let model = try DatabaseQueue()
        try Schema.migrator.migrate(model, upTo: last)
        guard try schema(database) == model.read(schema) else { throw ArchiveError.damaged }
    }

    /// Every table, index, view and trigger, with the words that made it; GRDB's own table may be worded otherwise.
    private static func schema(_ database: Database) throws -> [Row] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT type, name, tbl_name, CASE name WHEN 'grdb_migrations' THEN '' ELSE sql END
                FROM sqlite_schema ORDER BY type, name
                """)
    }

    private static func judgeAccounts(_ database: Database, _ isAccount: (AccountRow) -> Bool) throws {
        // Lengths first: a record that does not fit is not read.
        let misfits = try Int.fetchOne(
            database, sql: "SELECT count(*) FROM account WHERE length(id) <> 16 OR length(record) > ? OR revision < 0",
            arguments: [recordLimit])
        guard misfits == 0 else { throw ArchiveError.damaged }
        let rows = try Row.fetchCursor(database, sql: "SELECT id, revision, record FROM account")
        while let row = try rows.next() {
            let account = AccountRow(
                id: Array(row[0] as Data), revision: UInt64(row[1] as Int64), record: Array(row[2] as Data))
            guard isAccount(account) else { throw ArchiveError.damaged }
        }
    }

    private static func count(_ table: String, _ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? 0
    }
}
