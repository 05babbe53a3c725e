import Crypto
import Foundation

/// AES-256-GCM with an explicit nonce (NIST SP 800-38D): ciphertext ‖ 16-byte tag.
///
/// The caller keeps nonces unique under a key.
public enum AuthenticatedEncryption {
    /// Tag length in bytes.
    public static let tagCount = 16

    /// Seals one message.
    /// - Parameters:
    ///   - key: 32 bytes.
    ///   - nonce: 12 bytes, never used twice with the same key.
    public static func seal(
        _ plaintext: [UInt8], key: borrowing Secret, nonce: [UInt8], authenticating context: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        guard key.count == 32, nonce.count == 12 else { throw .unacceptableParameters }
        let secret = key.key
        return try translated { () throws -> [UInt8] in
            let box = try AES.GCM.seal(
                plaintext, using: secret, nonce: AES.GCM.Nonce(data: nonce), authenticating: context)
            return Array(box.ciphertext) + Array(box.tag)
        }
    }

    /// Opens one message.
    /// - Throws: `unauthentic` for a wrong key, nonce or context and for any changed byte.
    public static func open(
        _ sealed: [UInt8], key: borrowing Secret, nonce: [UInt8], authenticating context: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        guard key.count == 32, nonce.count == 12 else { throw .unacceptableParameters }
        guard sealed.count >= tagCount else { throw .unauthentic }
        let secret = key.key
        return try translated { () throws -> [UInt8] in
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: nonce), ciphertext: sealed.dropLast(tagCount), tag: sealed.suffix(tagCount))
            return Array(try AES.GCM.open(box, using: secret, authenticating: context))
        }
    }

    private static func translated(_ body: () throws -> [UInt8]) throws(CryptographyError) -> [UInt8] {
        do { return try body() } catch { throw .unauthentic }
    }
}
