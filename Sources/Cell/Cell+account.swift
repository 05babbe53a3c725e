import Channel
import Cryptography
import Foundation
import Vault

extension Cell {
    func settings(_ request: Requests.Settings) async throws -> Replies.Settings {
        let root = try root()
        let stored = try account.profile(root: root.key)
        var profile = stored
        if let keep = request.keep { profile.keep = keep }
        if let model = request.model {
            guard model.utf8.count <= 1_024 else { throw Malformed() }
            profile.model = model.isEmpty ? nil : model
        }
        if let minutes = request.idleMinutes {
            guard (1...720).contains(minutes) else { throw Malformed() }
            profile.idleMinutes = minutes
        }
        if profile != stored { try await change { try $0.update(profile: profile, root: root.key) } }
        return Replies.Settings(
            name: profile.name, keep: profile.keep, created: profile.created, model: profile.model,
            idleMinutes: profile.idleMinutes ?? Profile.usualIdleMinutes)
    }

    func keys() async throws -> Replies.Keys {
        let keys = try account.keys(root: try root().key)
        let uses = try await around.store.uses(account: account.id)
        let all = try await around.store.conversations(account: account.id, scope: nil)
        let counts = Dictionary(grouping: all, by: \.scope).mapValues(\.count)
        return Replies.Keys(
            keys: keys.map { key in
                .init(
                    id: key.id.hex, label: key.label, created: Self.day(key.createdDay),
                    lastUse: uses[key.id].map(Self.day), conversations: counts[key.scope] ?? 0)
            })
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
        try Unlocking.judge(passphrase: request.new)
        try await check(request.current)
        let root = try root()
        let stored = account
        let changed = try await around.passphrases.run { () -> Account? in
            var changed = stored
            do { try changed.change(passphrase: request.new, root: root.key) } catch { return nil }
            return changed
        }
        guard let changed else { throw Refusal(.internal, "The passphrase could not be changed.") }
        try await around.store.update(changed)
        account = changed
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
