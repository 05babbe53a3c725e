import Archive
import Cell
import Channel
import Cryptography
import Vault

/// Joins the cell to the archive: sealed values on one side, opaque rows on the other, and errors that a person can
/// read.
struct ArchiveStore: SealedStore {
    let archive: any RowStore

    func hasAccounts() async throws -> Bool { try await said { try await archive.hasAccounts() } }

    func account(lookup: [UInt8]) async throws -> Account? {
        try await said { try await archive.account(lookup: lookup).map { try Account(decoding: $0.record) } }
    }

    func account(id: AccountID) async throws -> Account? {
        try await said { try await archive.account(id: id.bytes).map { try Account(decoding: $0.record) } }
    }

    func insert(_ account: Account, lookup: [UInt8]) async throws {
        try await said { try await archive.insert(row(account), lookup: lookup) }
    }

    func update(_ account: Account) async throws { try await said { try await archive.update(row(account)) } }

    func attempts(lookup: [UInt8]) async throws -> (failures: Int, last: UInt64) {
        try await said { try await archive.attempts(lookup: lookup) }
    }

    func countAttempt(lookup: [UInt8], now: UInt64) async throws {
        try await said { try await archive.countAttempt(lookup: lookup, now: now) }
    }

    func clearAttempts(lookup: [UInt8]) async throws {
        try await said { try await archive.clearAttempts(lookup: lookup) }
    }

    func noteUse(of key: SlotID, account: AccountID, day: UInt32) async throws {
        try await said { try await archive.noteUse(of: key.bytes, account: account.bytes, day: day) }
    }

    func uses(account: AccountID) async throws -> [SlotID: UInt32] {
        try await said {
            let days = try await archive.uses(account: account.bytes)
            return Dictionary(uniqueKeysWithValues: try days.map { (try SlotID(bytes: $0.key), $0.value) })
        }
    }

    func insert(_ conversation: StoredConversation, account: AccountID, records: [SealedRecord]) async throws {
        try await said {
            try await archive.insert(row(conversation), account: account.bytes, records: records.map(row))
        }
    }

    func conversations(account: AccountID, scope: ScopeID?) async throws -> [StoredConversation] {
        try await said {
            try await archive.conversations(account: account.bytes, scope: scope?.bytes).map(stored)
        }
    }

    func conversation(_ id: ConversationID, account: AccountID) async throws -> StoredConversation? {
        try await said { try await archive.conversation(id.bytes, account: account.bytes).map(stored) }
    }

    func records(of id: ConversationID, account: AccountID) async throws -> [SealedRecord] {
        try await said {
            try await archive.records(of: id.bytes, account: account.bytes).map {
                SealedRecord(
                    ordinal: $0.ordinal, sequence: $0.sequence, version: $0.version, kind: $0.kind, epoch: $0.epoch,
                    box: $0.box)
            }
        }
    }

    func change(_ id: ConversationID, account: AccountID, head: SealedHead, record: SealedRecord?) async throws {
        try await said {
            try await archive.change(
                id.bytes, account: account.bytes, headVersion: head.version, head: head.box, record: record.map(row))
        }
    }

    func reseal(_ conversation: StoredConversation, account: AccountID, records: [SealedRecord]) async throws {
        try await said {
            try await archive.reseal(row(conversation), account: account.bytes, records: records.map(row))
        }
    }

    func rekey(_ account: Account, wrapped: [ConversationID: [UInt8]]) async throws {
        let keys = Dictionary(uniqueKeysWithValues: wrapped.map { ($0.key.bytes, $0.value) })
        try await said { try await archive.rekey(row(account), wrapped: keys) }
    }

    func delete(_ id: ConversationID, account: AccountID) async throws -> (records: Int, logTruncated: Bool) {
        try await said {
            let deletion = try await archive.delete(id.bytes, account: account.bytes)
            return (deletion.records, deletion.logTruncated)
        }
    }

    func size(account: AccountID) async throws -> (records: Int, bytes: Int) {
        try await said { try await archive.size(account: account.bytes) }
    }

    private func row(_ account: Account) -> AccountRow {
        AccountRow(id: account.id.bytes, revision: account.revision, record: account.encoded())
    }

    private func row(_ conversation: StoredConversation) -> ConversationRow {
        ConversationRow(
            id: conversation.id.bytes, scope: conversation.scope.bytes, expiryDay: nil, epoch: conversation.epoch,
            wrappedKey: conversation.wrappedKey, headVersion: conversation.head.version, head: conversation.head.box)
    }

    private func row(_ record: SealedRecord) -> RecordRow {
        RecordRow(
            ordinal: record.ordinal, sequence: record.sequence, version: record.version, kind: record.kind,
            epoch: record.epoch, box: record.box)
    }

    private func stored(_ row: ConversationRow) throws -> StoredConversation {
        StoredConversation(
            id: try ConversationID(bytes: row.id), scope: try ScopeID(bytes: row.scope), epoch: row.epoch,
            wrappedKey: row.wrappedKey, head: SealedHead(version: row.headVersion, box: row.head))
    }

    /// Runs what asks the archive, and says its errors as a person can read them.
    private func said<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch let error as ArchiveError {
            throw Refusal(archive: error)
        } catch is VaultError {
            throw Refusal(.tampered, "What is stored here is not what was written: it was changed or damaged.")
        }
    }
}

extension Refusal {
    /// What the disk's errors mean for the person.
    init(archive error: ArchiveError) {
        switch error {
        case .full:
            self.init(.storeFailed, "The disk is full. What was acknowledged before is safe; this was not stored.")
        case .readOnly: self.init(.storeFailed, "The data directory cannot be written. This was not stored.")
        case .unconfirmed:
            self.init(
                .storeFailed,
                "The disk failed and did not confirm this. It does not count now, but may be there after the next start."
            )
        case .exists: self.init(.exists, "There is already an account or conversation of that name.")
        case .notFound: self.init(.notFound, "There is no such conversation.")
        case .conflict: self.init(.busy, "It was changed elsewhere meanwhile. Try again.")
        case .damaged: self.init(.tampered, "The archive is damaged. Restore a backup; nothing was overwritten.")
        case .unreachable:
            self.init(
                .storeFailed,
                "The archive cannot be reached at the moment. Whether this was stored shows when it can be reached again."
            )
        case .inUse, .untrustedDirectory, .untrustedFile, .backup:
            self.init(.storeFailed, "The archive is in use or cannot be trusted.")
        }
    }
}
