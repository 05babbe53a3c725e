import Foundation
import GRDB

extension Archive {
    private static let columns = "id, scope, expiry_day, wrapped, head_version, head, epoch"
    private static let source = "conversation JOIN conversation_key ON conversation = id"

    /// Adds a conversation with its records, all or nothing.
    public func insert(
        _ conversation: ConversationRow, account: OpaqueID, records: [RecordRow]
    ) async throws(ArchiveError) {
        try await write { database in
            try database.execute(
                sql: """
                    INSERT INTO conversation (id, account, scope, expiry_day, head_version, head)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Data(conversation.id), Data(account), Data(conversation.scope),
                    conversation.expiryDay.map { Int64($0) }, Int64(conversation.headVersion), Data(conversation.head),
                ])
            try database.execute(
                sql: "INSERT INTO conversation_key (conversation, epoch, wrapped) VALUES (?, 0, ?)",
                arguments: [Data(conversation.id), Data(conversation.wrappedKey)])
            for record in records { try database.insert(record, of: conversation.id) }
        }
    }

    /// An account's conversations, in no order.
    /// - Parameter scope: only those of one keyring; nil: all.
    public func conversations(account: OpaqueID, scope: OpaqueID?) async throws(ArchiveError) -> [ConversationRow] {
        try await read { database in
            let sql = "SELECT \(Self.columns) FROM \(Self.source) WHERE account = ? AND (? IS NULL OR scope = ?)"
            let scope = scope.map { Data($0) }
            return try Row.fetchAll(database, sql: sql, arguments: [Data(account), scope, scope]).map(Self.row)
        }
    }

    /// One conversation of an account; nil if it has none of that name.
    public func conversation(_ id: OpaqueID, account: OpaqueID) async throws(ArchiveError) -> ConversationRow? {
        try await read { database in
            let sql = "SELECT \(Self.columns) FROM \(Self.source) WHERE id = ? AND account = ?"
            return try Row.fetchOne(database, sql: sql, arguments: [Data(id), Data(account)]).map(Self.row)
        }
    }

    /// A conversation's records, in order of ordinal.
    public func records(of id: OpaqueID, account: OpaqueID) async throws(ArchiveError) -> [RecordRow] {
        try await read { database in
            let sql = """
                SELECT ordinal, sequence, version, kind, record.epoch, box FROM record JOIN conversation ON conversation = id
                WHERE id = ? AND account = ? ORDER BY ordinal
                """
            return try Row.fetchAll(database, sql: sql, arguments: [Data(id), Data(account)]).compactMap { row in
                guard let version = UInt32(exactly: row[2] as Int64), let kind = UInt8(exactly: row[3] as Int64),
                    let epoch = UInt32(exactly: row[4] as Int64)
                else { throw ArchiveError.damaged }
                return RecordRow(
                    ordinal: UInt64(bitPattern: row[0] as Int64), sequence: UInt64(bitPattern: row[1] as Int64),
                    version: version, kind: kind, epoch: epoch, box: Array(row[5] as Data))
            }
        }
    }

    /// Replaces the head and appends a record, both or neither; when this returns they are on disk and synced.
    /// - Throws: `conflict` if the stored head is not the version before, `notFound` if the account has no such
    ///   conversation.
    public func change(
        _ id: OpaqueID, account: OpaqueID, headVersion: UInt64, head: [UInt8], record: RecordRow?
    ) async throws(ArchiveError) {
        try await write { database in
            let stored = try Int64.fetchOne(
                database, sql: "SELECT head_version FROM conversation WHERE id = ? AND account = ?",
                arguments: [Data(id), Data(account)])
            guard let stored else { throw ArchiveError.notFound }
            guard headVersion > 0, stored == Int64(headVersion) - 1 else { throw ArchiveError.conflict }
            try database.execute(
                sql: "UPDATE conversation SET head_version = ?, head = ? WHERE id = ?",
                arguments: [Int64(headVersion), Data(head), Data(id)])
            if let record { try database.insert(record, of: id) }
        }
    }

    /// Deletes a conversation: its wrapped key first of all, its records, and then the log that still holds their
    /// pages.
    /// - Throws: `notFound` if the account has no such conversation.
    public func delete(_ id: OpaqueID, account: OpaqueID) async throws(ArchiveError) -> Deletion {
        let records = try await write { database in
            let count = try Int.fetchOne(
                database,
                sql: "SELECT count(*) FROM record JOIN conversation ON conversation = id WHERE id = ? AND account = ?",
                arguments: [Data(id), Data(account)])
            try database.execute(
                sql: "DELETE FROM conversation WHERE id = ? AND account = ?", arguments: [Data(id), Data(account)])
            guard database.changesCount == 1 else { throw ArchiveError.notFound }
            return count ?? 0
        }
        // It is deleted, whatever becomes of the log now.
        return Deletion(records: records, logTruncated: (try? await truncateLog()) ?? false)
    }

    /// Deletes what has expired.
    /// - Parameter today: days since 1970; conversations whose expiry day is earlier go.
    /// - Returns: how many conversations were deleted.
    public func deleteExpired(today: UInt32) async throws(ArchiveError) -> Int {
        let count = try await write { database in
            try database.execute(sql: "DELETE FROM conversation WHERE expiry_day < ?", arguments: [Int64(today)])
            return database.changesCount
        }
        if count > 0 { _ = try await truncateLog() }
        return count
    }

    /// How many records there are and how many bytes they take.
    public func size(account: OpaqueID) async throws(ArchiveError) -> (records: Int, bytes: Int) {
        try await read { database in
            let sql = """
                SELECT count(*), coalesce(sum(length(box)), 0) FROM record JOIN conversation ON conversation = id WHERE account = ?
                """
            let row = try Row.fetchOne(database, sql: sql, arguments: [Data(account)])
            return (row?[0] ?? 0, row?[1] ?? 0)
        }
    }

    private static func row(_ row: Row) -> ConversationRow {
        ConversationRow(
            id: Array(row[0] as Data), scope: Array(row[1] as Data),
            expiryDay: (row[2] as Int64?).flatMap(UInt32.init(exactly:)), epoch: UInt32(clamping: row[6] as Int64),
            wrappedKey: Array(row[3] as Data),
            headVersion: UInt64(bitPattern: row[4] as Int64), head: Array(row[5] as Data))
    }
}

extension Archive {
    /// Some of the newest boxes of every kind, for indicators that look at what really lies on disk.
    public func sampleBoxes(limit: Int) async throws(ArchiveError) -> [[UInt8]] {
        try await read { database in
            let records = try Data.fetchAll(
                database, sql: "SELECT box FROM record ORDER BY conversation DESC, ordinal DESC LIMIT ?",
                arguments: [limit])
            let heads = try Data.fetchAll(
                database, sql: "SELECT head FROM conversation ORDER BY id DESC LIMIT ?", arguments: [limit])
            return (records + heads).map { Array($0) }
        }
    }
}

extension Database {
    func insert(_ record: RecordRow, of conversation: OpaqueID) throws {
        try execute(
            sql: "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                Data(conversation), Int64(record.ordinal), Int64(record.sequence), Int64(record.version),
                Int64(record.kind), Int64(record.epoch), Data(record.box),
            ])
    }
}
