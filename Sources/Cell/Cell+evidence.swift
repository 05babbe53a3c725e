import Channel
import Cryptography
import Foundation
import Vault

extension Cell {
    func evidence() async throws -> Replies.Evidence {
        let process = await around.evidence()
        let size = try await around.store.size(account: account.id)
        return Replies.Evidence(
            time: around.clock(), listening: process.listening, outgoing: process.outgoing, accepted: process.accepted,
            source: process.source, process: process.process, archive: process.archive,
            models: await around.models.models().filter(\.loaded),
            lastRecord: try await storedRecord().map { id, record in
                .init(
                    conversation: id.hex, sequence: record.sequence, bytes: record.box.count,
                    hex: Hex.encode(record.box.prefix(256)))
            },
            store: .init(records: size.records, bytes: size.bytes), confined: process.confined,
            airGap: process.airGap)
    }

    /// Flips one bit in a copy of the last record's conversation and tries to open it, beside the copy that is intact.
    func tamper() async throws -> Replies.Tampering {
        guard let (id, record) = try await storedRecord(),
            let stored = try await around.store.conversation(id, account: account.id)
        else { return Replies.Tampering(tampering: nil) }
        guard conversations[id]?.isBusy != true, !isRekeying else {
            throw Refusal(.busy, "An answer is still being written in that conversation.")
        }
        let records = try await around.store.records(of: id, account: account.id)
        let key = try key(of: stored)
        func opens(_ records: [SealedRecord]) -> Bool {
            (try? Transcript(key: key, head: stored.head, records: records)) != nil
        }
        let (byte, bit) = (Int.random(in: record.box.indices), Int.random(in: 0..<8))
        let changed = records.map { $0.ordinal == record.ordinal ? $0.flipping(bit: bit, ofByte: byte) : $0 }
        return Replies.Tampering(
            tampering: .init(
                record: Int(record.sequence), byte: byte, bit: bit, refused: !opens(changed),
                intactOpens: opens(records)))
    }

    /// What is stored of this account, counted in the archive.
    func stored() async throws -> Replies.Stored {
        let root = try root()
        let conversations = try await around.store.conversations(account: account.id, scope: nil)
        let size = try await around.store.size(account: account.id)
        let name = try account.profile(root: root.key).name
        return Replies.Stored(
            stored: .init(
                account: .init(count: 1, bytes: account.encoded().count),
                conversations: .init(
                    count: conversations.count,
                    bytes: conversations.map { $0.head.box.count + $0.wrappedKey.count }.reduce(0, +)),
                records: .init(count: size.records, bytes: size.bytes), keys: try account.keys(root: root.key).count,
                failedAttempts: try await around.store.attempts(lookup: around.lookupKey.lookup(name)).failures))
    }

    /// The last record that this cell wrote, read back from the archive: what is shown is what lies on disk.
    private func storedRecord() async throws -> (ConversationID, SealedRecord)? {
        guard let last = lastRecord else { return nil }
        return try await around.store.records(of: last.conversation, account: account.id)
            .first { $0.ordinal == last.record.ordinal }
            .map { (last.conversation, $0) }
    }
}

extension SealedRecord {
    fileprivate func flipping(bit: Int, ofByte byte: Int) -> SealedRecord {
        var box = box
        box[byte] ^= 1 << UInt8(bit)
        return SealedRecord(
            ordinal: ordinal, sequence: sequence, version: version, kind: kind, epoch: epoch, box: box)
    }
}
