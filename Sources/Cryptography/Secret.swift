import Crypto
import Foundation

/// Key material that is moved, never copied, never printed, and zeroed when it is released.
///
/// The bytes lie in `KeyMemory`. For the time of a computation swift-crypto gets a copy, in memory of its own that it
/// zeroes. What this type adds is that nothing can duplicate or describe them by accident: it is `~Copyable` and has no
/// textual form. Cipher contexts inside BoringSSL may keep a copy until their memory is reused; only the end of the
/// process wipes those.
public struct Secret: ~Copyable, Sendable {
    private let place: KeyMemory.Place

    /// Takes over key material, at least one byte.
    public init(_ bytes: [UInt8]) { self.init(bytes: bytes) }

    /// Fresh random bytes from the system's generator.
    /// - Parameter count: length in bytes, at least 1.
    public static func random(count: Int = 32) -> Secret {
        precondition(count > 0, "a secret has at least one byte")
        return Secret(key: SymmetricKey(size: SymmetricKeySize(bitCount: count * 8)))
    }

    init(bytes: some ContiguousBytes) { place = bytes.withUnsafeBytes { KeyMemory.shared.keep($0) } }

    init(key: SymmetricKey) { self.init(bytes: key) }

    deinit { KeyMemory.shared.release(place) }

    /// A copy for swift-crypto; let go of it when the computation is done.
    var key: SymmetricKey { SymmetricKey(data: place.bytes) }

    /// Length in bytes.
    public var count: Int { place.count }

    /// Lends the bytes for the duration of `body`; a copy made there is the caller's to destroy.
    public borrowing func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try body(place.bytes)
    }

    /// A second owner of the same bytes, where two parts must hold one key.
    public borrowing func duplicate() -> Secret {
        Secret(bytes: place.bytes)
    }

    /// Whether both hold the same bytes, in constant time.
    public borrowing func matches(_ other: borrowing Secret) -> Bool {
        key == other.key
    }
}

extension Secret {
    /// HKDF-SHA256, extract and expand (RFC 5869).
    /// - Parameter count: output length in bytes, 1 to 8,160.
    public borrowing func derived(salt: [UInt8] = [], info: String, count: Int = 32) -> Secret {
        Secret(
            key: HKDF<SHA256>.deriveKey(
                inputKeyMaterial: key, salt: salt, info: Array(info.utf8), outputByteCount: count))
    }

    /// HKDF-SHA256, expand only (RFC 5869 §2.3), for secrets that are uniformly random already.
    /// - Parameter count: output length in bytes, 1 to 8,160.
    public borrowing func expanded(info: [UInt8], count: Int = 32) -> Secret {
        Secret(key: HKDF<SHA256>.expand(pseudoRandomKey: key, info: info, outputByteCount: count))
    }

    /// HMAC-SHA256 (RFC 2104), 32 bytes.
    public borrowing func authenticationCode(for message: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
    }

    /// Whether `code` is the HMAC-SHA256 of `message`, in constant time.
    public borrowing func isValid(authenticationCode code: [UInt8], for message: [UInt8]) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: key)
    }
}
