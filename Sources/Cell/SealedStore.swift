public import Cryptography
public import Vault

/// A conversation as it is stored, without its records.
public struct StoredConversation: Sendable {
    /// Its name.
    public let id: ConversationID
    /// Which keyring wraps its key.
    public let scope: ScopeID
    /// The generation of its key, from 0.
    public let epoch: UInt32
    /// Its wrapped key.
    public let wrappedKey: [UInt8]
    /// Its sealed head.
    public let head: SealedHead

    /// A conversation as it is stored.
    public init(id: ConversationID, scope: ScopeID, epoch: UInt32 = 0, wrappedKey: [UInt8], head: SealedHead) {
        (self.id, self.scope, self.epoch, self.wrappedKey, self.head) = (id, scope, epoch, wrappedKey, head)
    }
}

/// What a cell needs of the disk: sealed bytes by name, for one account at a time.
///
/// Errors are `Refusal`s, ready for a person.
public protocol SealedStore: Sendable {
    /// Whether any account exists.
    func hasAccounts() async throws -> Bool
    /// Finds an account by its look-up value.
    func account(lookup: [UInt8]) async throws -> Account?
    /// Finds an account by its name.
    func account(id: AccountID) async throws -> Account?
    /// Adds an account.
    func insert(_ account: Account, lookup: [UInt8]) async throws
    /// Replaces an account by its next revision.
    func update(_ account: Account) async throws

    /// Failed attempts on a look-up value and when the last one was, seconds since 1970.
    func attempts(lookup: [UInt8]) async throws -> (failures: Int, last: UInt64)
    /// Counts an attempt before it is tried.
    func countAttempt(lookup: [UInt8], now: UInt64) async throws
    /// Forgets the failures.
    func clearAttempts(lookup: [UInt8]) async throws

    /// Notes that an API key was used on a day, days since 1970; only the day is kept.
    func noteUse(of key: SlotID, account: AccountID, day: UInt32) async throws
    /// The last day that each API key was used on.
    func uses(account: AccountID) async throws -> [SlotID: UInt32]

    /// Adds a conversation with what it begins with, all or nothing.
    func insert(_ conversation: StoredConversation, account: AccountID, records: [SealedRecord]) async throws
    /// An account's conversations; of one scope, or all.
    func conversations(account: AccountID, scope: ScopeID?) async throws -> [StoredConversation]
    /// One conversation of an account.
    func conversation(_ id: ConversationID, account: AccountID) async throws -> StoredConversation?
    /// A conversation's records in order.
    func records(of id: ConversationID, account: AccountID) async throws -> [SealedRecord]
    /// Replaces the head and appends the record; on disk and synced when it returns.
    func change(_ id: ConversationID, account: AccountID, head: SealedHead, record: SealedRecord?) async throws
    /// Replaces a conversation's key, head and records by ones that were sealed anew, all or nothing.
    func reseal(_ conversation: StoredConversation, account: AccountID, records: [SealedRecord]) async throws
    /// Replaces an account by its next revision under another root key, with all its wrapped conversation keys.
    ///
    /// Throws nothing once it is done.
    func rekey(_ account: Account, wrapped: [ConversationID: [UInt8]]) async throws
    /// Destroys a conversation's key and rows.
    func delete(_ id: ConversationID, account: AccountID) async throws -> (records: Int, logTruncated: Bool)
    /// Records and bytes of an account.
    func size(account: AccountID) async throws -> (records: Int, bytes: Int)
}
