import Foundation
import GRDB

extension Archive {
    /// Whether any account exists.
    public func hasAccounts() async throws(ArchiveError) -> Bool {
        try await read { try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM account)") ?? false }
    }

    /// Finds an account by its look-up value.
    public func account(lookup: [UInt8]) async throws(ArchiveError) -> AccountRow? {
        try await account(where: "lookup", Data(lookup))
    }

    /// Finds an account by its id.
    public func account(id: OpaqueID) async throws(ArchiveError) -> AccountRow? {
        try await account(where: "id", Data(id))
    }

    /// Adds an account.
    /// - Throws: `exists` if its id or look-up value is taken.
    public func insert(_ account: AccountRow, lookup: [UInt8]) async throws(ArchiveError) {
        try await write { database in
            try database.execute(
                sql: "INSERT INTO account (id, lookup, revision, record) VALUES (?, ?, ?, ?)",
                arguments: [Data(account.id), Data(lookup), Int64(account.revision), Data(account.record)])
        }
    }

    /// Replaces an account's record.
    /// - Throws: `conflict` if the stored one is not the revision before.
    public func update(_ account: AccountRow) async throws(ArchiveError) {
        try await write { database in
            try database.execute(
                sql: "UPDATE account SET record = ?, revision = ? WHERE id = ? AND revision = ?",
                arguments: [
                    Data(account.record), Int64(account.revision), Data(account.id), Int64(account.revision) - 1,
                ])
            guard database.changesCount == 1 else { throw ArchiveError.conflict }
        }
    }

    /// Failed attempts on a look-up value, whether or not there is such an account, and when the last one was.
    public func attempts(lookup: [UInt8]) async throws(ArchiveError) -> (failures: Int, last: UInt64) {
        try await read { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT failures, last FROM attempt WHERE lookup = ?", arguments: [Data(lookup)])
            guard let row else { return (0, 0) }
            return (row[0], UInt64(row[1] as Int64))
        }
    }

    /// Counts an attempt before its credential is tried, so that a crash cannot give tries away.
    public func countAttempt(lookup: [UInt8], now: UInt64) async throws(ArchiveError) {
        try await write { database in
            try database.execute(
                sql: """
                    INSERT INTO attempt (lookup, failures, last) VALUES (?, 1, ?)
                    ON CONFLICT (lookup) DO UPDATE SET failures = failures + 1, last = excluded.last
                    """, arguments: [Data(lookup), Int64(now)])
            // Names that nobody has must not fill the disk.
            try database.execute(sql: "DELETE FROM attempt WHERE last < ?", arguments: [Int64(now) - 86_400])
        }
    }

    /// Forgets the failures after a success.
    public func clearAttempts(lookup: [UInt8]) async throws(ArchiveError) {
        try await write { try $0.execute(sql: "DELETE FROM attempt WHERE lookup = ?", arguments: [Data(lookup)]) }
    }

    /// Notes the day that an API key was used on; writes once a day.
    public func noteUse(of slot: OpaqueID, account: OpaqueID, day: UInt32) async throws(ArchiveError) {
        if try await uses(account: account)[slot] == day { return }
        try await write { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO key_use (slot, account, day) VALUES (?, ?, ?)",
                arguments: [Data(slot), Data(account), Int64(day)])
        }
    }

    /// The last day of use of an account's API keys.
    public func uses(account: OpaqueID) async throws(ArchiveError) -> [OpaqueID: UInt32] {
        try await read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT slot, day FROM key_use WHERE account = ?", arguments: [Data(account)])
            return Dictionary(
                rows.map { (Array($0[0] as Data), UInt32(clamping: $0[1] as Int64)) }, uniquingKeysWith: max)
        }
    }

    private func account(where column: String, _ value: Data) async throws(ArchiveError) -> AccountRow? {
        try await read { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT id, revision, record FROM account WHERE \(column) = ?", arguments: [value])
            return row.map {
                AccountRow(id: Array($0[0] as Data), revision: UInt64($0[1] as Int64), record: Array($0[2] as Data))
            }
        }
    }
}
