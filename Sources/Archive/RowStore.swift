/// Rows by opaque id: the archive itself, or the way to the process that has it.
///
/// Each function is explained where `Archive` has it.
public protocol RowStore: Sendable {
    /// Whether any account exists.
    func hasAccounts() async throws(ArchiveError) -> Bool
    /// Finds an account by its look-up value.
    func account(lookup: [UInt8]) async throws(ArchiveError) -> AccountRow?
    /// Finds an account by its name.
    func account(id: OpaqueID) async throws(ArchiveError) -> AccountRow?
    /// Adds an account.
    func insert(_ account: AccountRow, lookup: [UInt8]) async throws(ArchiveError)
    /// Replaces an account by its next revision.
    func update(_ account: AccountRow) async throws(ArchiveError)
    /// Failed attempts on a look-up value.
    func attempts(lookup: [UInt8]) async throws(ArchiveError) -> (failures: Int, last: UInt64)
    /// Counts an attempt.
    func countAttempt(lookup: [UInt8], now: UInt64) async throws(ArchiveError)
    /// Forgets the failures.
    func clearAttempts(lookup: [UInt8]) async throws(ArchiveError)
    /// Notes the day of an API key's use.
    func noteUse(of slot: OpaqueID, account: OpaqueID, day: UInt32) async throws(ArchiveError)
    /// The last day of each API key's use.
    func uses(account: OpaqueID) async throws(ArchiveError) -> [OpaqueID: UInt32]
    /// Adds a conversation with its records.
    func insert(_ conversation: ConversationRow, account: OpaqueID, records: [RecordRow]) async throws(ArchiveError)
    /// An account's conversations.
    func conversations(account: OpaqueID, scope: OpaqueID?) async throws(ArchiveError) -> [ConversationRow]
    /// One conversation.
    func conversation(_ id: OpaqueID, account: OpaqueID) async throws(ArchiveError) -> ConversationRow?
    /// A conversation's records.
    func records(of id: OpaqueID, account: OpaqueID) async throws(ArchiveError) -> [RecordRow]
    /// Replaces the head and appends a record.
    func change(
        _ id: OpaqueID, account: OpaqueID, headVersion: UInt64, head: [UInt8], record: RecordRow?
    ) async throws(ArchiveError)
    /// Replaces what was sealed anew.
    func reseal(_ conversation: ConversationRow, account: OpaqueID, records: [RecordRow]) async throws(ArchiveError)
    /// Replaces an account and all its wrapped keys.
    func rekey(_ account: AccountRow, wrapped: [OpaqueID: [UInt8]]) async throws(ArchiveError)
    /// Deletes a conversation.
    func delete(_ id: OpaqueID, account: OpaqueID) async throws(ArchiveError) -> Deletion
    /// Counts an account's records.
    func size(account: OpaqueID) async throws(ArchiveError) -> (records: Int, bytes: Int)
}

extension Archive: RowStore {}

extension RowStore {
    /// Adds a conversation that has no record yet.
    public func insert(_ conversation: ConversationRow, account: OpaqueID) async throws(ArchiveError) {
        try await insert(conversation, account: account, records: [])
    }
}
