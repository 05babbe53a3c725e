public import Cryptography
import Foundation

/// What the list of API keys shows of one.
public struct KeyDescription: Sendable, Equatable {
    /// The key's name, also its slot.
    public let id: SlotID
    /// What the owner called it.
    public let label: String
    /// What it opens.
    public let scope: ScopeID
    /// The day it was made, days since 1970.
    public let createdDay: UInt32
}

/// salt ‖ scope id ‖ scope key under the root's keyring ‖ created day.
///
/// `docs/formats/vault.md` §3, kind 4.
struct KeySlotParameters {
    let salt: [UInt8]
    let scope: ScopeID
    let scopeKey: [UInt8]
    let createdDay: UInt32

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.bytes(salt)
        writer.bytes(scope.bytes)
        writer.prefixed16(scopeKey)
        writer.integer(createdDay)
        return writer.output
    }
}

extension KeySlotParameters {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do {
            var reader = ByteReader(bytes)
            self.init(
                salt: try reader.bytes(16), scope: try ScopeID(bytes: reader.bytes(16)),
                scopeKey: try reader.prefixed16(), createdDay: try reader.integer(UInt32.self))
            try reader.end()
        } catch { throw .malformed }
    }
}

extension Account {
    /// The profile, opened.
    public func profile(root: borrowing RootKey) throws(VaultError) -> Profile {
        do {
            let padded = try Box.open(profile, key: root.metadata, context: context(field: 1))
            return try SealedJSON.decode(Profile.self, from: try Padding.unpad(padded))
        } catch { throw .tampered }
    }

    /// Replaces the profile and renews the MAC.
    public mutating func update(profile: Profile, root: borrowing RootKey) throws(VaultError) {
        try setProfile(profile, root: root)
        seal(with: root)
    }

    /// Replaces every passphrase slot by one for `passphrase`.
    public mutating func change(
        passphrase: String, hash: PasswordHash = .fresh(), root: borrowing RootKey
    ) throws(VaultError) {
        let slot = try makePassphraseSlot(passphrase, hash: hash, root: root)
        slots.removeAll { $0.kind == .passphrase }
        slots.insert(slot, at: 0)
        seal(with: root)
    }

    /// Adds an API key with a scope of its own.
    /// - Parameter label: 1 to 80 characters, sealed.
    public mutating func addKey(
        label: String, day: UInt32, root: borrowing RootKey
    ) throws(VaultError) -> APIToken {
        guard slots.count < Self.slotLimit else { throw .tooLarge }
        do {
            let token = APIToken.random(account: id, slot: SlotID())
            let scope = ScopeID()
            let scopeKey = Secret.random()
            let scopeContext = BoxContext("scope", id.bytes, scope.bytes)
            let parameters = KeySlotParameters(
                salt: randomBytes(16), scope: scope,
                scopeKey: try Box.wrap(scopeKey, key: root.keyring().secret, context: scopeContext), createdDay: day)
            let padded = Padding.multiple(of: 64).pad(Array(label.utf8))
            slots.append(
                Slot(
                    kind: .key, id: token.slot, parameters: parameters.encoded(),
                    wrappedKey: try Box.wrap(
                        scopeKey, key: token.key(salt: parameters.salt), context: Slot.context(id, token.slot, .key)),
                    label: try Box.seal(padded, key: root.metadata, context: context(field: 3, token.slot.bytes))))
            seal(with: root)
            return token
        } catch { throw .malformed }
    }

    /// Revokes an API key: its token opens nothing any more.
    ///
    /// The scope stays, so that its conversations remain the owner's.
    /// - Throws: `wrongCredential` if there is no such key.
    public mutating func revokeKey(_ key: SlotID, root: borrowing RootKey) throws(VaultError) {
        guard let index = slots.firstIndex(where: { $0.id == key && $0.kind == .key && !$0.isRevoked }) else {
            throw .wrongCredential
        }
        slots[index] = slots[index].revoked()
        seal(with: root)
    }

    /// The API keys that are not revoked, with their labels opened.
    public func keys(root: borrowing RootKey) throws(VaultError) -> [KeyDescription] {
        var keys: [KeyDescription] = []
        for slot in slots where slot.kind == .key && !slot.isRevoked {
            do {
                let padded = try Box.open(slot.label, key: root.metadata, context: context(field: 3, slot.id.bytes))
                let label = String(decoding: try Padding.unpad(padded), as: UTF8.self)
                let parameters = try KeySlotParameters(decoding: slot.parameters)
                keys.append(
                    KeyDescription(
                        id: slot.id, label: label, scope: parameters.scope, createdDay: parameters.createdDay))
            } catch { throw .tampered }
        }
        return keys
    }

    /// The keyring of a scope, opened by the owner: the own one for `.none`, else that of an API key, revoked or not.
    public func keyring(of scope: ScopeID, root: borrowing RootKey) throws(VaultError) -> Keyring {
        if scope == .none { return root.keyring() }
        let keySlots = slots.filter { $0.kind == .key }.compactMap { try? KeySlotParameters(decoding: $0.parameters) }
        guard let parameters = keySlots.first(where: { $0.scope == scope }) else { throw .wrongCredential }
        do {
            let scopeKey = try Box.unwrap(
                parameters.scopeKey, key: root.keyring().secret,
                context: BoxContext("scope", id.bytes, parameters.scope.bytes))
            return Keyring(scope: parameters.scope, scopeKey: scopeKey)
        } catch { throw .tampered }
    }
}
