public import Cryptography

/// A new account: the record to store, its open root key, and the recovery code to show once.
public struct CreatedAccount: ~Copyable, Sendable {
    /// The record to store.
    public let account: Account
    /// Its root key, open.
    public let root: RootKey
    /// The recovery code, shown once and never stored.
    public let recovery: RecoveryCode
}

extension Account {
    /// Makes an account with a passphrase slot and a recovery slot.
    /// - Parameter hash: how the passphrase is stretched; `.fresh()` outside tests.
    public static func create(
        profile: Profile, passphrase: String, hash: PasswordHash = .fresh()
    ) throws(VaultError) -> CreatedAccount {
        do {
            let root = RootKey.random()
            let inbox = AgreementKeyPair()
            let id = AccountID()
            let inboxContext = BoxContext("account", id.bytes, [2], [])
            var account = Account(
                id: id, inboxPublicKey: inbox.publicKey,
                inboxPrivateKey: try Box.wrap(inbox.privateSecret(), key: root.metadata, context: inboxContext))
            try account.setProfile(profile, root: root)
            let recovery = RecoveryCode.random()
            account.slots = [
                try account.makePassphraseSlot(passphrase, hash: hash, root: root),
                try account.makeRecoverySlot(recovery, root: root),
            ]
            account.seal(with: root)
            return CreatedAccount(account: account, root: root, recovery: recovery)
        } catch let error as VaultError { throw error } catch { throw .malformed }
    }

    /// Opens the root key with a passphrase.
    /// - Throws: `wrongCredential` if no slot opens, `tampered` if one does but the record was changed.
    public func open(passphrase: String) throws(VaultError) -> RootKey {
        try openRoot(kind: .passphrase) { parameters in try Self.passwordHash(parameters).key(for: passphrase) }
    }

    /// Opens the root key with the recovery code.
    /// - Throws: as `open(passphrase:)`.
    public func open(recovery: borrowing RecoveryCode) throws(VaultError) -> RootKey {
        let code = recovery.duplicate()
        return try openRoot(kind: .recovery) { parameters in code.key(salt: parameters) }
    }

    /// Opens an API key's keyring; the root key stays closed.
    /// - Throws: `wrongCredential` if the slot is gone or the secret is another.
    public func open(token: borrowing APIToken) throws(VaultError) -> Keyring {
        guard token.account == id, let slot = slots.first(where: { $0.id == token.slot && $0.kind == .key }) else {
            throw .wrongCredential
        }
        let parameters = try KeySlotParameters(decoding: slot.parameters)
        do {
            let scopeKey = try Box.unwrap(
                slot.wrappedKey, key: token.key(salt: parameters.salt), context: Slot.context(id, slot.id, .key))
            return Keyring(scope: parameters.scope, scopeKey: scopeKey)
        } catch { throw .wrongCredential }
    }

    private func openRoot(
        kind: Slot.Kind, key: ([UInt8]) throws -> Secret
    ) throws(VaultError) -> RootKey {
        for slot in slots where slot.kind == kind {
            guard let slotKey = try? key(slot.parameters),
                let secret = try? Box.unwrap(slot.wrappedKey, key: slotKey, context: Slot.context(id, slot.id, kind))
            else { continue }
            let root = RootKey(secret)
            guard isAuthentic(under: root) else { throw .tampered }
            return root
        }
        throw .wrongCredential
    }

    static func passwordHash(_ parameters: [UInt8]) throws -> PasswordHash {
        var reader = ByteReader(parameters)
        let hash = try PasswordHash(
            logCost: reader.byte(), blockSize: reader.byte(), parallelism: reader.byte(), salt: reader.bytes(16))
        try reader.end()
        return hash
    }
}
