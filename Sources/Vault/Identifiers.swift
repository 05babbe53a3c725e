public import Cryptography

/// One conversation.
public enum ConversationKind: Sendable {}
/// One key slot.
public enum SlotTag: Sendable {}
/// One keyring: the owner's own (`.none`) or an API key's.
public enum ScopeKind: Sendable {}

/// Names a conversation.
public typealias ConversationID = Identifier<ConversationKind>
/// Names a key slot; for an API key also the key itself.
public typealias SlotID = Identifier<SlotTag>
/// Names a scope.
public typealias ScopeID = Identifier<ScopeKind>
