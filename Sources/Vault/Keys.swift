public import Cryptography

/// An account's root key and what is derived from it.
///
/// Exists while the owner is unlocked.
public struct RootKey: ~Copyable, Sendable {
    let secret: Secret
    let metadata: Secret
    let slots: Secret

    static func random() -> RootKey { RootKey(.random()) }

    init(_ secret: consuming Secret) {
        metadata = secret.derived(info: "cloister/root/metadata/v1")
        slots = secret.derived(info: "cloister/root/slots/v1")
        self.secret = secret
    }

    /// The owner's own keyring, scope `.none`.
    public borrowing func keyring() -> Keyring {
        Keyring(scope: .none, secret: secret.derived(info: "cloister/root/keyring/v1"))
    }

    /// Seals a channel on its way between two processes of this account.
    public borrowing func handoverKey() -> Secret { secret.derived(info: "cloister/root/handover/v1") }
}

/// What wraps the conversation keys of one scope.
public struct Keyring: ~Copyable, Sendable {
    /// The owner's own is `.none`; every API key has another.
    public let scope: ScopeID
    let secret: Secret

    init(scope: ScopeID, secret: consuming Secret) {
        self.scope = scope
        self.secret = secret
    }

    init(scope: ScopeID, scopeKey: borrowing Secret) {
        self.init(scope: scope, secret: scopeKey.derived(info: "cloister/scope/keyring/v1"))
    }

    /// A second owner of the same keyring.
    public borrowing func duplicate() -> Keyring { Keyring(scope: scope, secret: secret.duplicate()) }

    /// Seals a channel on its way between two processes of this scope.
    public borrowing func handoverKey() -> Secret { secret.derived(info: "cloister/keyring/handover/v1") }

    /// Makes and wraps a conversation's key; epoch 0 is that of a new one.
    public borrowing func makeConversationKey(
        account: AccountID, conversation: ConversationID, epoch: UInt32 = 0
    ) throws(VaultError) -> (key: ConversationKey, wrapped: [UInt8]) {
        let key = ConversationKey(account: account, conversation: conversation, epoch: epoch, secret: .random())
        return (key, try wrap(key))
    }

    /// Wraps a key that is open.
    public borrowing func wrap(_ key: ConversationKey) throws(VaultError) -> [UInt8] {
        let context = Self.context(key.account, key.conversation, scope, key.epoch)
        do { return try Box.wrap(key.secret, key: secret, context: context) } catch { throw .malformed }
    }

    /// Opens a wrapped conversation key.
    /// - Throws: `tampered` if it is not this conversation's, this scope's and this epoch's.
    public borrowing func unwrap(
        _ wrapped: [UInt8], account: AccountID, conversation: ConversationID, epoch: UInt32
    ) throws(VaultError) -> ConversationKey {
        let context = Self.context(account, conversation, scope, epoch)
        do {
            return ConversationKey(
                account: account, conversation: conversation, epoch: epoch,
                secret: try Box.unwrap(wrapped, key: secret, context: context))
        } catch { throw .tampered }
    }

    private static func context(
        _ account: AccountID, _ conversation: ConversationID, _ scope: ScopeID, _ epoch: UInt32
    ) -> BoxContext {
        BoxContext("conversation", account.bytes, conversation.bytes, scope.bytes, bigEndian(epoch))
    }
}

/// The key of one conversation and epoch.
///
/// Shared by reference within a cell; zeroed with its last owner.
public final class ConversationKey: Sendable {
    /// Whose it is.
    public let account: AccountID
    /// What it opens.
    public let conversation: ConversationID
    /// Which generation of the key, from 0.
    public let epoch: UInt32
    let secret: Secret

    init(account: AccountID, conversation: ConversationID, epoch: UInt32, secret: consuming Secret) {
        (self.account, self.conversation, self.epoch) = (account, conversation, epoch)
        self.secret = secret
    }
}
