import Channel
import Cryptography
import Foundation
import Inference
import Vault

/// One person's cell, or one API key's: holds the keys and the plaintext, and does what is asked through the channel.
actor Cell {
    /// What opened the cell.
    enum Access: Sendable {
        case owner(OpenRoot)
        case key(OpenKeyring)
    }

    /// The root key, shared by the owner's channels.
    final class OpenRoot: Sendable {
        let key: RootKey
        init(_ key: consuming RootKey) { self.key = key }
    }

    /// The keyring of an API key.
    final class OpenKeyring: Sendable {
        let keyring: Keyring
        init(_ keyring: consuming Keyring) { self.keyring = keyring }
    }

    /// What a cell gets from the process around it.
    struct Surroundings: Sendable {
        let store: any SealedStore
        let models: any ModelShelf
        let passphrases: PassphraseQueue
        let lookupKey: Unlocking.LookupKey
        let neighbours: any Neighbours
        let evidence: @Sendable () async -> ProcessEvidence
        let clock: @Sendable () -> Date
    }

    var access: Access
    /// Whether the owner opened it.
    let isOwners: Bool
    let accountID: AccountID
    /// Whose it is, among all cells.
    let name: CellName
    let around: Surroundings
    var account: Account
    var conversations: [ConversationID: Conversation] = [:]
    var completionSequences = CompletionSequences()
    /// Whether everything is being sealed anew; nothing is opened or written meanwhile.
    var isRekeying = false
    /// Whether the account record is being changed; one change at a time.
    var isChangingAccount = false
    /// What was written and not sent, by conversation; `.none` for the next one.
    var drafts: [ConversationID: String] = [:]
    var lastRecord: (conversation: ConversationID, record: SealedRecord)?

    init(account: Account, access: Access, around: Surroundings) {
        (self.account, self.access, self.around) = (account, access, around)
        accountID = account.id
        name = CellName(account.id, access.scope)
        isOwners = name.isOwners
    }

    func root() throws -> OpenRoot {
        guard case .owner(let root) = access else { throw Refusal(.denied, "An API key may not do this.") }
        return root
    }

    /// The keyring that wraps new conversations of this cell.
    func keyring() -> Keyring {
        switch access {
        case .owner(let root): root.key.keyring()
        case .key(let open): open.keyring.duplicate()
        }
    }

    /// Only conversations of one scope, or all.
    var visibleScope: ScopeID? {
        switch access {
        case .owner: nil
        case .key(let open): open.keyring.scope
        }
    }

    /// Drops everything: answers are stopped, the engine's memory is zeroed, keys and text are released.
    func close() {
        for conversation in conversations.values {
            conversation.stop?()
            conversation.sequence?.close()
        }
        completionSequences.close()
        (conversations, drafts) = ([:], [:])
        completionSequences = CompletionSequences()
        lastRecord = nil
    }
}
