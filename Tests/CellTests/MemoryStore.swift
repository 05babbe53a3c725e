import Cell
import Channel
import Cryptography
import Vault

/// A disk in memory that can be full and can be meddled with.
actor MemoryStore: SealedStore {
    private struct Kept {
        var conversation: StoredConversation
        let account: AccountID
        var records: [SealedRecord] = []
    }

    /// Whether every write fails.
    var isFull = false
    private var earlier: StoredConversation?
    private var accounts: [AccountID: Account] = [:]
    private var lookups: [[UInt8]: AccountID] = [:]
    private var failures: [[UInt8]: (failures: Int, last: UInt64)] = [:]
    private var days: [AccountID: [SlotID: UInt32]] = [:]
    private var kept: [ConversationID: Kept] = [:]

    /// Every stored byte.
    var bytes: [[UInt8]] {
        accounts.values.map { $0.encoded() }
            + kept.values.flatMap { [$0.conversation.wrappedKey, $0.conversation.head.box] + $0.records.map(\.box) }
    }
    var conversationCount: Int { kept.count }

    func fill(_ full: Bool) { isFull = full }

    /// Who asks next for a conversation gets it as it is now: as if all that follows were written while it is read.
    func repeatHead() { earlier = kept.values.first?.conversation }

    /// Drops the last record of every conversation, as somebody with the disk could.
    func dropLastRecords() { for id in kept.keys { kept[id]?.records.removeLast() } }

    /// Flips a bit of a head.
    func spoilHead(of hex: String) {
        guard let id = ConversationID(hex: hex), let old = kept[id]?.conversation else { return }
        var box = old.head.box
        box[box.count - 1] ^= 1
        kept[id]?.conversation = StoredConversation(
            id: id, scope: old.scope, epoch: old.epoch, wrappedKey: old.wrappedKey,
            head: SealedHead(version: old.head.version, box: box))
    }

    func hasAccounts() -> Bool { !accounts.isEmpty }
    func account(lookup: [UInt8]) -> Account? { lookups[lookup].flatMap { accounts[$0] } }
    func account(id: AccountID) -> Account? { accounts[id] }

    func insert(_ account: Account, lookup: [UInt8]) throws {
        try write()
        (accounts[account.id], lookups[lookup]) = (account, account.id)
    }

    func update(_ account: Account) throws {
        try write()
        accounts[account.id] = account
    }

    func attempts(lookup: [UInt8]) -> (failures: Int, last: UInt64) { failures[lookup] ?? (0, 0) }
    func countAttempt(lookup: [UInt8], now: UInt64) { failures[lookup] = (attempts(lookup: lookup).failures + 1, now) }
    func clearAttempts(lookup: [UInt8]) { failures[lookup] = nil }

    func noteUse(of key: SlotID, account: AccountID, day: UInt32) throws {
        try write()
        days[account, default: [:]][key] = day
    }

    func uses(account: AccountID) -> [SlotID: UInt32] { days[account] ?? [:] }

    func insert(_ conversation: StoredConversation, account: AccountID, records: [SealedRecord]) throws {
        try write()
        kept[conversation.id] = Kept(conversation: conversation, account: account, records: records)
    }

    func conversations(account: AccountID, scope: ScopeID?) -> [StoredConversation] {
        kept.values.filter { $0.account == account && (scope == nil || $0.conversation.scope == scope) }.map(
            \.conversation)
    }

    func conversation(_ id: ConversationID, account: AccountID) -> StoredConversation? {
        defer { earlier = nil }
        return earlier ?? kept[id].flatMap { $0.account == account ? $0.conversation : nil }
    }

    func records(of id: ConversationID, account: AccountID) -> [SealedRecord] { kept[id]?.records ?? [] }

    func change(_ id: ConversationID, account: AccountID, head: SealedHead, record: SealedRecord?) throws {
        try write()
        guard let old = kept[id]?.conversation else { throw Refusal(.notFound, "There is no such conversation.") }
        kept[id]?.conversation = StoredConversation(
            id: id, scope: old.scope, epoch: old.epoch, wrappedKey: old.wrappedKey, head: head)
        if let record { kept[id]?.records.append(record) }
    }

    func reseal(_ conversation: StoredConversation, account: AccountID, records: [SealedRecord]) throws {
        try write()
        kept[conversation.id] = Kept(conversation: conversation, account: account, records: records)
    }

    func rekey(_ account: Account, wrapped: [ConversationID: [UInt8]]) throws {
        try write()
        accounts[account.id] = account
        for (id, key) in wrapped {
            guard let old = kept[id]?.conversation else { continue }
            kept[id]?.conversation = StoredConversation(
                id: id, scope: old.scope, epoch: old.epoch, wrappedKey: key, head: old.head)
        }
    }

    func delete(_ id: ConversationID, account: AccountID) -> (records: Int, logTruncated: Bool) {
        (kept.removeValue(forKey: id)?.records.count ?? 0, true)
    }

    func size(account: AccountID) -> (records: Int, bytes: Int) {
        let records = kept.values.flatMap(\.records)
        return (records.count, records.map(\.box.count).reduce(0, +))
    }

    private func write() throws {
        if isFull { throw Refusal(.storeFailed, "The disk is full.") }
    }
}
