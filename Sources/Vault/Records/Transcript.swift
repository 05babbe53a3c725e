import Cryptography
public import Foundation

/// An open conversation: its head, and the turns that count.
///
/// Changes are made in two steps, so that memory never runs ahead of the disk: `appending` and `changing` return a
/// `Change`, the caller stores its sealed
/// parts, and only then keeps its transcript.
public struct Transcript: Sendable {
    /// Longest title, characters.
    public static let titleLimit = 200
    private static let plaintextLimit = 16 << 20

    /// A transcript with what must be stored for it to be true.
    public struct Change: Sendable {
        /// The transcript after the change.
        public let transcript: Transcript
        /// The new head.
        public let head: SealedHead
        /// The new record; nil if only the head changed.
        public let record: SealedRecord?
    }

    /// The conversation's key.
    public let key: ConversationKey
    /// What the head says.
    public private(set) var head: ConversationHead
    /// The newest version of every turn that is not superseded, in order.
    public private(set) var turns: [PlacedTurn] = []
    private var headVersion: UInt64
    private var versions: [UInt64: UInt32] = [:]

    /// A new conversation and its first head.
    /// - Parameter label: the name that a program knows it by, at most 4,096 bytes; nil for none.
    public static func begin(
        key: ConversationKey, title: String, label: String? = nil, time: Date
    ) throws(VaultError) -> Change {
        guard (label?.utf8.count ?? 0) <= 4_096 else { throw .tooLarge }
        let head = ConversationHead(title: String(title.prefix(titleLimit)), label: label, created: time)
        let transcript = Transcript(key: key, head: head, headVersion: 0)
        return Change(transcript: transcript, head: try head.sealed(version: 0, key: key), record: nil)
    }

    private init(key: ConversationKey, head: ConversationHead, headVersion: UInt64) {
        (self.key, self.head, self.headVersion) = (key, head, headVersion)
    }

    /// Opens what the archive stored.
    /// - Parameter records: all of them, in order of ordinal.
    /// - Throws: `tampered` if any record does not open or their count and running hash are not the head's.
    public init(key: ConversationKey, head sealedHead: SealedHead, records: [SealedRecord]) throws(VaultError) {
        let head = try ConversationHead(opening: sealedHead, key: key)
        self.init(key: key, head: head, headVersion: sealedHead.version)
        var recounted = ConversationHead(title: head.title, created: head.created)
        for record in records {
            recounted.count(record)
            place(try Self.open(record, key: key), sequence: record.sequence, version: record.version)
        }
        guard recounted.count == head.count, recounted.chain == head.chain else { throw .tampered }
    }

    /// Appends a turn at `sequence`: the next one, or an earlier one whose place it takes, superseding all after it.
    public func appending(_ turn: Turn, at sequence: UInt64? = nil) throws(VaultError) -> Change {
        let next = UInt64(turns.count)
        let sequence = sequence ?? next
        guard sequence <= next else { throw .malformed }
        let version = versions[sequence].map { $0 + 1 } ?? 0
        let plaintext = try SealedJSON.encode(turn)
        guard plaintext.count <= Self.plaintextLimit else { throw .tooLarge }
        let box: [UInt8]
        do {
            box = try Box.seal(
                Padding.padme(atLeast: 256).pad(plaintext), key: key.secret,
                context: Self.context(key, key.epoch, SealedRecord.Kind.turn.rawValue, sequence, version))
        } catch { throw .malformed }
        let record = SealedRecord(
            ordinal: head.count, sequence: sequence, version: version, kind: SealedRecord.Kind.turn.rawValue,
            epoch: key.epoch, box: box)
        var after = self
        after.place(turn, sequence: sequence, version: version)
        after.head.count(record)
        after.head.updated = turn.time
        return try after.resealed(with: record)
    }

    /// Changes what the head says besides the turns; nil leaves a value as it is.
    /// - Parameter title: at most `titleLimit` characters count.
    public func changing(
        title: String? = nil, arrangement: Arrangement? = nil, manner: Manner? = nil
    ) throws(VaultError) -> Change {
        var after = self
        if let title { after.head.title = String(title.prefix(Self.titleLimit)) }
        if let arrangement { after.head.arrangement = arrangement }
        if let manner { after.head.manner = manner }
        return try after.resealed(with: nil)
    }

    private func resealed(with record: SealedRecord?) throws(VaultError) -> Change {
        var after = self
        after.headVersion += 1
        return Change(
            transcript: after, head: try after.head.sealed(version: after.headVersion, key: key), record: record)
    }

    private mutating func place(_ turn: Turn, sequence: UInt64, version: UInt32) {
        versions[sequence] = version
        turns.removeAll { $0.sequence >= sequence }
        turns.append(PlacedTurn(sequence: sequence, version: version, turn: turn))
    }

    private static func open(_ record: SealedRecord, key: ConversationKey) throws(VaultError) -> Turn {
        guard record.kind == SealedRecord.Kind.turn.rawValue, record.epoch == key.epoch else { throw .tampered }
        do {
            let context = context(key, record.epoch, record.kind, record.sequence, record.version)
            let padded = try Box.open(record.box, key: key.secret, context: context)
            return try SealedJSON.decode(Turn.self, from: try Padding.unpad(padded))
        } catch { throw .tampered }
    }

    static func context(
        _ key: ConversationKey, _ epoch: UInt32, _ kind: UInt8, _ sequence: UInt64, _ version: UInt32
    ) -> BoxContext {
        BoxContext(
            "record", key.account.bytes, key.conversation.bytes,
            bigEndian(epoch) + [kind] + bigEndian(sequence) + bigEndian(version))
    }
}
