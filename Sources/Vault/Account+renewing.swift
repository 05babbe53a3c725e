public import Cryptography

extension Account {
    /// Replaces the recovery slot by one for a new code, which is shown once.
    public mutating func renewRecovery(root: borrowing RootKey) throws(VaultError) -> RecoveryCode {
        let code = RecoveryCode.random()
        let slot = try makeRecoverySlot(code, root: root)
        slots.removeAll { $0.kind == .recovery }
        slots.insert(slot, at: 1)
        seal(with: root)
        return code
    }

    /// The same account under a new root key, with a passphrase and a new recovery code to open it.
    ///
    /// API keys are revoked, and their scopes, which stay the owner's, get fresh keys. The caller wraps every conversation
    /// key anew and stores all of it at once.
    public func rekeyed(
        passphrase: String, hash: PasswordHash = .fresh(), root: borrowing RootKey
    ) throws(VaultError) -> CreatedAccount {
        let profile = try profile(root: root)
        let fresh = RootKey.random()
        let recovery = RecoveryCode.random()
        do {
            let inbox = AgreementKeyPair()
            var account = Account(
                id: id, inboxPublicKey: inbox.publicKey,
                inboxPrivateKey: try Box.wrap(
                    inbox.privateSecret(), key: fresh.metadata, context: context(field: 2)))
            account.revision = revision
            try account.setProfile(profile, root: fresh)
            account.slots = [
                try account.makePassphraseSlot(passphrase, hash: hash, root: fresh),
                try account.makeRecoverySlot(recovery, root: fresh),
            ]
            for slot in slots where slot.kind == .key {
                account.slots.append(try rewrapped(slot, from: root, to: fresh))
            }
            account.seal(with: fresh)
            return CreatedAccount(account: account, root: fresh, recovery: recovery)
        } catch let error as VaultError { throw error } catch { throw .malformed }
    }

    /// An API key's slot as it is when its key is revoked, with a fresh scope key under the new root.
    private func rewrapped(_ slot: Slot, from old: borrowing RootKey, to new: borrowing RootKey) throws -> Slot {
        let known = try KeySlotParameters(decoding: slot.parameters)
        let parameters = KeySlotParameters(
            salt: randomBytes(16), scope: known.scope,
            scopeKey: try Box.wrap(
                .random(), key: new.keyring().secret, context: BoxContext("scope", id.bytes, known.scope.bytes)),
            createdDay: known.createdDay)
        let labelContext = context(field: 3, slot.id.bytes)
        return Slot(
            kind: .key, id: slot.id, parameters: parameters.encoded(), wrappedKey: [],
            label: try Box.seal(
                Box.open(slot.label, key: old.metadata, context: labelContext), key: new.metadata,
                context: labelContext))
    }
}
