import Foundation
import GRDB

extension Archive {
    /// Replaces a conversation's key, head and records by ones that were sealed anew; all or nothing.
    /// - Throws: `conflict` if the stored head is not the version before, `notFound` if the account has no such
    ///   conversation.
    public func reseal(
        _ conversation: ConversationRow, account: OpaqueID, records: [RecordRow]
    ) async throws(ArchiveError) {
        try await write { database in
            let id = Data(conversation.id)
            let stored = try Int64.fetchOne(
                database, sql: "SELECT head_version FROM conversation WHERE id = ? AND account = ?",
                arguments: [id, Data(account)])
            guard let stored else { throw ArchiveError.notFound }
            guard stored == Int64(conversation.headVersion) - 1 else { throw ArchiveError.conflict }
            try database.execute(sql: "DELETE FROM conversation_key WHERE conversation = ?", arguments: [id])
            try database.execute(sql: "DELETE FROM record WHERE conversation = ?", arguments: [id])
            try database.execute(
                sql: "INSERT INTO conversation_key (conversation, epoch, wrapped) VALUES (?, ?, ?)",
                arguments: [id, Int64(conversation.epoch), Data(conversation.wrappedKey)])
            try database.execute(
                sql: "UPDATE conversation SET head_version = ?, head = ? WHERE id = ?",
                arguments: [Int64(conversation.headVersion), Data(conversation.head), id])
            for record in records { try database.insert(record, of: conversation.id) }
        }
    }

    /// Replaces an account's record and the wrapped keys of its conversations, all of them, and then the log that still
    /// holds the old ones.
    /// - Throws: `conflict` if the account or the conversations changed meanwhile; nothing once it is done.
    public func rekey(_ account: AccountRow, wrapped: [OpaqueID: [UInt8]]) async throws(ArchiveError) {
        try await write { database in
            let count = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM conversation WHERE account = ?", arguments: [Data(account.id)])
            guard count == wrapped.count else { throw ArchiveError.conflict }
            try database.execute(
                sql: "UPDATE account SET record = ?, revision = ? WHERE id = ? AND revision = ?",
                arguments: [
                    Data(account.record), Int64(account.revision), Data(account.id), Int64(account.revision) - 1,
                ])
            guard database.changesCount == 1 else { throw ArchiveError.conflict }
            for (conversation, key) in wrapped {
                try database.execute(
                    sql: """
                        UPDATE conversation_key SET wrapped = ? WHERE conversation =
                        (SELECT id FROM conversation WHERE id = ? AND account = ?)
                        """, arguments: [Data(key), Data(conversation), Data(account.id)])
                guard database.changesCount == 1 else { throw ArchiveError.conflict }
            }
        }
        _ = try? await truncateLog()
    }
}
