import Channel
import Cryptography
import Foundation
import Vault

extension Cell {
    func settings(_ request: Requests.Settings) async throws -> Replies.Settings {
        let root = try root()
        var profile = try account.profile(root: root.key)
        if let keep = request.keep, keep != profile.keep {
            profile.keep = keep
            try await change { try $0.update(profile: profile, root: root.key) }
        }
        return Replies.Settings(name: profile.name, keep: profile.keep, created: profile.created)
    }

    func keys() throws -> Replies.Keys {
        let keys = try account.keys(root: try root().key)
        return Replies.Keys(keys: keys.map { .init(id: $0.id.hex, label: $0.label, created: Self.day($0.createdDay)) })
    }

    func createKey(_ request: Requests.CreateKey) async throws -> Replies.CreatedKey {
        let root = try root()
        guard (1...80).contains(request.label.count) else { throw Malformed() }
        let day = UInt32(clamping: Int(around.clock().timeIntervalSince1970 / 86_400))
        var changed = account
        let token = try changed.addKey(label: request.label, day: day, root: root.key)
        try await around.store.update(changed)
        account = changed
        return Replies.CreatedKey(id: token.slot.hex, label: request.label, token: token.text())
    }

    func revokeKey(_ id: SlotID) async throws {
        let root = try root()
        try await change { try $0.revokeKey(id, root: root.key) }
    }

    func changePassphrase(_ request: Requests.ChangePassphrase) async throws {
        let root = try root()
        try Unlocking.judge(passphrase: request.new)
        let stored = account
        let opens = try await around.passphrases.run { (try? stored.open(passphrase: request.current)) != nil }
        guard opens else { throw Refusal(.wrongCredential, "The current passphrase is not right.") }
        let changed = try await around.passphrases.run { () -> Account? in
            var changed = stored
            do { try changed.change(passphrase: request.new, root: root.key) } catch { return nil }
            return changed
        }
        guard let changed else { throw Refusal(.internal, "The passphrase could not be changed.") }
        try await around.store.update(changed)
        account = changed
    }

    func evidence() async throws -> Replies.Evidence {
        let process = around.evidence()
        let size = try await around.store.size(account: account.id)
        return Replies.Evidence(
            time: around.clock(), listening: process.listening, outgoing: process.outgoing, accepted: process.accepted,
            source: process.source, models: await around.models.models().filter(\.loaded),
            lastRecord: try await storedBytesOfLastRecord(),
            store: .init(records: size.records, bytes: size.bytes))
    }

    /// Read back from the archive, not from memory: what is shown is what lies on disk.
    private func storedBytesOfLastRecord() async throws -> Replies.Evidence.Record? {
        guard let last = lastRecord,
            let stored = try await around.store.records(of: last.conversation, account: account.id)
                .first(where: { $0.ordinal == last.record.ordinal })
        else { return nil }
        return .init(
            conversation: last.conversation.hex, sequence: stored.sequence, bytes: stored.box.count,
            hex: Hex.encode(stored.box.prefix(256)))
    }

    private func change(_ body: (inout Account) throws -> Void) async throws {
        var changed = account
        try body(&changed)
        try await around.store.update(changed)
        account = changed
    }

    private static func day(_ day: UInt32) -> String {
        Date(timeIntervalSince1970: Double(day) * 86_400).formatted(.iso8601.year().month().day())
    }
}
