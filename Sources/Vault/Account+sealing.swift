import Cryptography

extension Account {
    mutating func setProfile(_ profile: Profile, root: borrowing RootKey) throws(VaultError) {
        let padded = Padding.multiple(of: 256).pad(try SealedJSON.encode(profile))
        do {
            self.profile = try Box.seal(padded, key: root.metadata, context: context(field: 1))
        } catch { throw .malformed }
    }

    func makePassphraseSlot(
        _ passphrase: String, hash: PasswordHash, root: borrowing RootKey
    ) throws(VaultError) -> Slot {
        do {
            let key = try hash.key(for: passphrase)
            let parameters = [hash.logCost, hash.blockSize, hash.parallelism] + hash.salt
            return try makeRootSlot(.passphrase, parameters: parameters, key: key, root: root)
        } catch { throw .malformed }
    }

    func makeRecoverySlot(_ code: borrowing RecoveryCode, root: borrowing RootKey) throws(VaultError) -> Slot {
        let salt = randomBytes(16)
        return try makeRootSlot(.recovery, parameters: salt, key: code.key(salt: salt), root: root)
    }

    private func makeRootSlot(
        _ kind: Slot.Kind, parameters: [UInt8], key: borrowing Secret, root: borrowing RootKey
    ) throws(VaultError) -> Slot {
        let slot = SlotID()
        do {
            return Slot(
                kind: kind, id: slot, parameters: parameters,
                wrappedKey: try Box.wrap(root.secret, key: key, context: Slot.context(id, slot, kind)), label: [])
        } catch { throw .malformed }
    }
}
