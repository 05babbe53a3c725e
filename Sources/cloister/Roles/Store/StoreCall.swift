import Archive
import Seams

/// What a cell asks of the process that has the archive; `docs/formats/seams.md` §5.
enum StoreCall: UInt8 {
    case hasAccounts = 1
    case accountByLookup, accountByID, insertAccount, update
    case attempts, countAttempt, clearAttempts
    case noteUse, uses
    case insertConversation, conversations, conversation, records
    case change, reseal, rekey, delete, size
}

extension Fields {
    init(_ row: AccountRow) { self.init(row.id, Fields.integer(row.revision), row.record) }

    init(_ row: ConversationRow) {
        self.init(
            row.id, row.scope, row.expiryDay.map { Fields.integer($0) } ?? [], Fields.integer(row.epoch),
            row.wrappedKey,
            Fields.integer(row.headVersion), row.head)
    }

    init(_ row: RecordRow) {
        self.init(
            Fields.integer(row.ordinal), Fields.integer(row.sequence), Fields.integer(row.version),
            Fields.integer(row.kind), Fields.integer(row.epoch), row.box)
    }

    mutating func account() throws(SeamError) -> AccountRow {
        AccountRow(id: try bytes(), revision: try integer(UInt64.self), record: try bytes())
    }

    mutating func conversation() throws(SeamError) -> ConversationRow {
        let (id, scope, expiry) = (try bytes(), try bytes(), try bytes())
        return ConversationRow(
            id: id, scope: scope, expiryDay: expiry.isEmpty ? nil : expiry.reduce(0) { $0 << 8 | UInt32($1) },
            epoch: try integer(UInt32.self), wrappedKey: try bytes(), headVersion: try integer(UInt64.self),
            head: try bytes())
    }

    mutating func record() throws(SeamError) -> RecordRow {
        RecordRow(
            ordinal: try integer(UInt64.self), sequence: try integer(UInt64.self), version: try integer(UInt32.self),
            kind: try integer(UInt8.self), epoch: try integer(UInt32.self), box: try bytes())
    }
}

extension ArchiveError {
    /// Errors that travel, by their place here; any other is `damaged`.
    private static let travelling: [ArchiveError] = [
        .inUse, .full, .readOnly, .damaged, .exists, .notFound, .conflict, .unreachable, .unconfirmed,
    ]

    /// As the payload of a failure.
    var encoded: [UInt8] { [UInt8(Self.travelling.firstIndex(of: self) ?? 3)] }

    init(_ error: SeamError) {
        if case .failed(let payload) = error, let index = payload.first, Int(index) < Self.travelling.count {
            self = Self.travelling[Int(index)]
        } else {
            self = .unreachable
        }
    }
}

extension SeamLimits {
    /// Between a cell and the archive: a record is at most a message of 256 KiB, padded and sealed.
    static let store = SeamLimits(payload: 2 << 20, calls: 256)
}
