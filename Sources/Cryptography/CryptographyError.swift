/// What can go wrong in this room.
///
/// No case carries bytes or text from outside.
public enum CryptographyError: Error, Equatable, Sendable {
    /// The key, the associated data or the ciphertext is not the one that was sealed: one error for all three.
    case unauthentic
    /// An X25519 public key of low order, or one that is no point at all (RFC 9180 §7.1.4).
    case invalidKey
    /// Bytes that do not follow their format.
    case malformed
    /// Parameters of a key derivation outside the accepted range.
    case unacceptableParameters
}
