/// What can go wrong in this room; every case is safe to tell the other side.
public enum ChannelError: Error, Equatable, Sendable {
    /// Bytes that do not follow `docs/formats/channel.md`.
    case malformed
    /// A node record that is not signed, not valid now, or of another suite.
    case untrustedNode
    /// The node's identity is not the one that was pinned.
    case fingerprintChanged
    /// A challenge that was used, has expired or was never given.
    case staleChallenge
    /// A request that does not open, was seen before, or came out of order.
    case refused
    /// The channel serves no further tab.
    case tooManyTabs
    /// A reply that ended before its final piece, or went on after it.
    case truncated
}
