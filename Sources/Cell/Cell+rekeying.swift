import Channel
import Cryptography
import Foundation
import Vault

extension Cell {
    /// Replaces the recovery code; the old one opens nothing any more.
    func renewRecovery(_ request: Requests.RenewRecovery) async throws -> Replies.Recovery {
        try await check(request.current)
        let root = try root()
        var changed = account
        let code = try changed.renewRecovery(root: root.key)
        try await around.store.update(changed)
        account = changed
        return Replies.Recovery(recovery: code.text())
    }

    /// Seals everything anew: each conversation under a fresh key, then the account under a fresh root key.
    ///
    /// API keys are revoked: who has one has a secret of before.
    ///
    /// Each conversation is replaced at once, still under the old root, so that a crash leaves a vault that opens as
    /// before; the last step moves all of it to the new root in one transaction. Until then, whoever asked must still be
    /// there: nobody else would see the new recovery code.
    func rekey(_ request: Requests.Rekey, _ reply: ReplyWriter) async throws {
        // Told when it is over: the next request may come at once.
        let code = try await rekeyed(request, reply)
        try await reply.finish(Replies.Recovery(recovery: code))
    }

    /// - Returns: the new recovery code.
    private func rekeyed(_ request: Requests.Rekey, _ reply: ReplyWriter) async throws -> String {
        guard !conversations.values.contains(where: \.isBusy) else {
            throw Refusal(.busy, "An answer is still being written. Stop it first.")
        }
        isRekeying = true
        defer { isRekeying = false }
        let factor = try await check(request.current)
        guard factor == .passphrase || request.new != nil else {
            throw Refusal(.malformed, "Choose a new passphrase with the recovery code.")
        }
        let passphrase = request.new ?? request.current
        try Unlocking.judge(passphrase: passphrase)
        let root = try root()
        let stored = try await around.store.conversations(account: account.id, scope: nil)
        for (index, conversation) in stored.enumerated() {
            try await reply.send(Replies.Rekeyed(rekeyed: index, of: stored.count))
            try await reseal(conversation, root)
        }
        let made = try await rekeyedAccount(passphrase, root)
        guard let fresh = try? OpenRoot(made.created.account.open(recovery: made.created.recovery)) else {
            throw Refusal(.internal, "The new keys do not open the account. The old ones are still in place.")
        }
        var wrapped: [ConversationID: [UInt8]] = [:]
        for conversation in try await around.store.conversations(account: account.id, scope: nil) {
            let keyring = try made.created.account.keyring(of: conversation.scope, root: fresh.key)
            wrapped[conversation.id] = try keyring.wrap(key(of: conversation))
        }
        try await reply.send(Replies.Rekeyed(rekeyed: stored.count, of: stored.count))
        try await around.store.rekey(made.created.account, wrapped: wrapped)
        (account, access) = (made.created.account, .owner(fresh))
        return made.created.recovery.text()
    }

    /// Changes of the account wait for nobody: a second one is refused while the first goes on.
    func changingAccount(_ body: () async throws -> Void) async throws {
        guard !isChangingAccount else { throw Refusal(.busy, "The account is being changed. Try again in a moment.") }
        isChangingAccount = true
        defer { isChangingAccount = false }
        try await body()
    }

    func refuseWhileRekeying() throws {
        if isRekeying { throw Refusal(.busy, "Everything is being sealed anew. Try again in a moment.") }
    }

    private func reseal(_ stored: StoredConversation, _ root: OpenRoot) async throws {
        let key = try key(of: stored)
        let records = try await around.store.records(of: stored.id, account: account.id)
        let keyring = try account.keyring(of: stored.scope, root: root.key)
        let (next, wrapped) = try keyring.makeConversationKey(
            account: account.id, conversation: stored.id, epoch: stored.epoch + 1)
        let resealed = try Resealed(head: stored.head, records: records, key: key, next: next)
        try await around.store.reseal(
            StoredConversation(
                id: stored.id, scope: stored.scope, epoch: next.epoch, wrappedKey: wrapped, head: resealed.head),
            account: account.id, records: resealed.records)
        forget(stored.id)
    }

    private final class Made: Sendable {
        let created: CreatedAccount
        init(_ created: consuming CreatedAccount) { self.created = created }
    }

    private func rekeyedAccount(_ passphrase: String, _ root: OpenRoot) async throws -> Made {
        let stored = account
        let made = try await around.passphrases.run { () -> Made? in
            guard let created = try? stored.rekeyed(passphrase: passphrase, root: root.key) else { return nil }
            return Made(created)
        }
        guard let made else { throw Refusal(.internal, "The new keys could not be made. The old ones are in place.") }
        return made
    }

    /// What proved the owner once more.
    enum Factor { case passphrase, recovery }

    /// Asks for the passphrase again before keys change; the recovery code does as well, for who forgot it.
    @discardableResult
    func check(_ secret: String) async throws -> Factor {
        let stored = account
        let factor = try await around.passphrases.run { () -> Factor? in
            if let code = try? RecoveryCode(reading: secret), (try? stored.open(recovery: code)) != nil {
                return .recovery
            }
            return (try? stored.open(passphrase: secret)) != nil ? .passphrase : nil
        }
        guard let factor else {
            throw Refusal(.wrongCredential, "That is not the current passphrase, and not the recovery code.")
        }
        return factor
    }
}
