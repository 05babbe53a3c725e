import Cryptography

/// A conversation sealed anew under the next key.
public struct Resealed: Sendable {
    /// Its head, the next version.
    public let head: SealedHead
    /// Every record, in order.
    public let records: [SealedRecord]

    /// Opens a stored conversation and seals it under `next`.
    ///
    /// Sequences, versions and order stay, also of turns that were superseded.
    /// - Throws: `tampered` as `Transcript` does; then nothing may be stored.
    public init(
        head: SealedHead, records: [SealedRecord], key: ConversationKey, next: ConversationKey
    ) throws(VaultError) {
        _ = try Transcript(key: key, head: head, records: records)
        var counted = try ConversationHead(opening: head, key: key)
        counted.restart()
        var sealed: [SealedRecord] = []
        for record in records {
            let again = try record.resealed(from: key, to: next)
            counted.count(again)
            sealed.append(again)
        }
        self.records = sealed
        self.head = try counted.sealed(version: head.version + 1, key: next)
    }
}

extension SealedRecord {
    fileprivate func resealed(
        from key: ConversationKey, to next: ConversationKey
    ) throws(VaultError) -> SealedRecord {
        do {
            let padded = try Box.open(box, key: key.secret, context: context(key, epoch))
            return SealedRecord(
                ordinal: ordinal, sequence: sequence, version: version, kind: kind, epoch: next.epoch,
                box: try Box.seal(padded, key: next.secret, context: context(next, next.epoch)))
        } catch { throw .tampered }
    }

    private func context(_ key: ConversationKey, _ epoch: UInt32) -> BoxContext {
        Transcript.context(key, epoch, kind, sequence, version)
    }
}
