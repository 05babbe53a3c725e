/// What can go wrong in this room.
///
/// No case carries text or bytes from a record.
public enum VaultError: Error, Equatable, Sendable {
    /// No slot opens with this credential, or there is no such slot.
    case wrongCredential
    /// Stored bytes do not follow `docs/formats/vault.md`.
    case malformed
    /// Stored bytes were changed, swapped, repeated or dropped.
    case tampered
    /// A limit of the format would be exceeded.
    case tooLarge
    /// The last slot that opens the root key cannot be removed.
    case lastSlot
}
