/// 16 opaque bytes that name an account, a conversation or a scope.
public typealias OpaqueID = [UInt8]

/// One stored account.
public struct AccountRow: Sendable, Equatable {
    /// Opaque name.
    public let id: OpaqueID
    /// Grows with every change.
    public let revision: UInt64
    /// The sealed record.
    public let record: [UInt8]

    /// A row.
    public init(id: OpaqueID, revision: UInt64, record: [UInt8]) {
        (self.id, self.revision, self.record) = (id, revision, record)
    }
}

/// One stored conversation without its records.
public struct ConversationRow: Sendable, Equatable {
    /// Opaque name.
    public let id: OpaqueID
    /// Which keyring wraps its key.
    public let scope: OpaqueID
    /// Days since 1970 after which it is deleted; nil: never.
    public let expiryDay: UInt32?
    /// The generation of its key, from 0.
    public let epoch: UInt32
    /// The wrapped key.
    public let wrappedKey: [UInt8]
    /// Version of the head.
    public let headVersion: UInt64
    /// The sealed head.
    public let head: [UInt8]

    /// A row.
    public init(
        id: OpaqueID, scope: OpaqueID, expiryDay: UInt32?, epoch: UInt32 = 0, wrappedKey: [UInt8], headVersion: UInt64,
        head: [UInt8]
    ) {
        (self.id, self.scope, self.expiryDay, self.epoch) = (id, scope, expiryDay, epoch)
        (self.wrappedKey, self.headVersion, self.head) = (wrappedKey, headVersion, head)
    }
}

/// One stored record.
public struct RecordRow: Sendable, Equatable {
    /// Order of appending, from 0.
    public let ordinal: UInt64
    /// Place in the conversation.
    public let sequence: UInt64
    /// Version of that place.
    public let version: UInt32
    /// What the box holds.
    public let kind: UInt8
    /// Generation of the key.
    public let epoch: UInt32
    /// The sealed box.
    public let box: [UInt8]

    /// A row.
    public init(ordinal: UInt64, sequence: UInt64, version: UInt32, kind: UInt8, epoch: UInt32, box: [UInt8]) {
        (self.ordinal, self.sequence, self.version) = (ordinal, sequence, version)
        (self.kind, self.epoch, self.box) = (kind, epoch, box)
    }
}

/// What a deletion did.
public struct Deletion: Sendable, Equatable {
    /// Records removed.
    public let records: Int
    /// Whether the write-ahead log was truncated, so that no old page of it remains.
    public let logTruncated: Bool

    /// What a deletion did.
    public init(records: Int, logTruncated: Bool) { (self.records, self.logTruncated) = (records, logTruncated) }
}
