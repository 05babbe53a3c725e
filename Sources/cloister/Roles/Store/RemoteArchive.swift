import Archive
import Seams

/// The archive of another process.
struct RemoteArchive: RowStore {
    let seam: SeamClient

    func hasAccounts() async throws(ArchiveError) -> Bool {
        try await one(.hasAccounts) { fields throws(SeamError) in try fields.integer(UInt8.self) == 1 }
    }

    func account(lookup: [UInt8]) async throws(ArchiveError) -> AccountRow? {
        try await all(.accountByLookup, Fields(lookup)) { fields throws(SeamError) in try fields.account() }.first
    }

    func account(id: OpaqueID) async throws(ArchiveError) -> AccountRow? {
        try await all(.accountByID, Fields(id)) { fields throws(SeamError) in try fields.account() }.first
    }

    func insert(_ account: AccountRow, lookup: [UInt8]) async throws(ArchiveError) {
        try await done(.insertAccount, Fields(lookup), [Fields(account)])
    }

    func update(_ account: AccountRow) async throws(ArchiveError) { try await done(.update, Fields(account)) }

    func attempts(lookup: [UInt8]) async throws(ArchiveError) -> (failures: Int, last: UInt64) {
        try await one(.attempts, Fields(lookup)) { fields throws(SeamError) in
            (Int(clamping: try fields.integer(UInt64.self)), try fields.integer(UInt64.self))
        }
    }

    func countAttempt(lookup: [UInt8], now: UInt64) async throws(ArchiveError) {
        try await done(.countAttempt, Fields(lookup, Fields.integer(now)))
    }

    func clearAttempts(lookup: [UInt8]) async throws(ArchiveError) { try await done(.clearAttempts, Fields(lookup)) }

    func noteUse(of slot: OpaqueID, account: OpaqueID, day: UInt32) async throws(ArchiveError) {
        try await done(.noteUse, Fields(account, slot, Fields.integer(day)))
    }

    func uses(account: OpaqueID) async throws(ArchiveError) -> [OpaqueID: UInt32] {
        let days = try await all(.uses, Fields(account)) { fields throws(SeamError) in
            (try fields.bytes(), try fields.integer(UInt32.self))
        }
        return Dictionary(days) { first, _ in first }
    }

    func insert(_ conversation: ConversationRow, account: OpaqueID, records: [RecordRow]) async throws(ArchiveError) {
        try await done(.insertConversation, Fields(account), [Fields(conversation)] + records.map { Fields($0) })
    }

    func conversations(account: OpaqueID, scope: OpaqueID?) async throws(ArchiveError) -> [ConversationRow] {
        try await all(.conversations, Fields(account, scope ?? [])) { fields throws(SeamError) in
            try fields.conversation()
        }
    }

    func conversation(_ id: OpaqueID, account: OpaqueID) async throws(ArchiveError) -> ConversationRow? {
        try await all(.conversation, Fields(account, id)) { fields throws(SeamError) in try fields.conversation() }
            .first
    }

    func records(of id: OpaqueID, account: OpaqueID) async throws(ArchiveError) -> [RecordRow] {
        try await all(.records, Fields(account, id)) { fields throws(SeamError) in try fields.record() }
    }

    func change(
        _ id: OpaqueID, account: OpaqueID, headVersion: UInt64, head: [UInt8], record: RecordRow?
    ) async throws(ArchiveError) {
        try await done(
            .change, Fields(account, id, Fields.integer(headVersion), head), record.map { [Fields($0)] } ?? [])
    }

    func reseal(_ conversation: ConversationRow, account: OpaqueID, records: [RecordRow]) async throws(ArchiveError) {
        try await done(.reseal, Fields(account), [Fields(conversation)] + records.map { Fields($0) })
    }

    func rekey(_ account: AccountRow, wrapped: [OpaqueID: [UInt8]]) async throws(ArchiveError) {
        try await done(.rekey, Fields(account), wrapped.map { Fields($0.key, $0.value) })
    }

    func delete(_ id: OpaqueID, account: OpaqueID) async throws(ArchiveError) -> Deletion {
        try await one(.delete, Fields(account, id)) { fields throws(SeamError) in
            Deletion(
                records: Int(clamping: try fields.integer(UInt64.self)),
                logTruncated: try fields.integer(UInt8.self) == 1)
        }
    }

    func size(account: OpaqueID) async throws(ArchiveError) -> (records: Int, bytes: Int) {
        try await one(.size, Fields(account)) { fields throws(SeamError) in
            (Int(clamping: try fields.integer(UInt64.self)), Int(clamping: try fields.integer(UInt64.self)))
        }
    }

    private func one<T>(
        _ call: StoreCall, _ request: Fields = Fields(), _ read: (inout Fields) throws(SeamError) -> T
    ) async throws(ArchiveError) -> T {
        guard let row = try await all(call, request, read: read).first else { throw .unreachable }
        return row
    }

    private func done(_ call: StoreCall, _ request: Fields, _ parts: [Fields] = []) async throws(ArchiveError) {
        _ = try await all(call, request, parts) { _ throws(SeamError) in }
    }

    /// Asks, and reads one value from each part of the answer.
    private func all<T>(
        _ call: StoreCall, _ request: Fields, _ parts: [Fields] = [], read: (inout Fields) throws(SeamError) -> T
    ) async throws(ArchiveError) -> [T] {
        do throws(SeamError) {
            let asked = try seam.call(call.rawValue, request.encoded())
            for part in parts { try await asked.send(part.encoded()) }
            asked.finish()
            var rows: [T] = []
            while let part = try await asked.next() {
                var fields = try Fields(decoding: part.bytes)
                rows.append(try read(&fields))
                guard fields.isRead else { throw .malformed }
            }
            return rows
        } catch { throw ArchiveError(error) }
    }
}
