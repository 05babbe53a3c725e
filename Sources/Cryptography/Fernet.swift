import Crypto
import CryptoExtras
import Foundation

/// Fernet tokens (github.com/fernet/spec), for what the tutorial's `conversations/*.enc` hold.
///
/// Read and written for migration only.
///
/// version 0x80 ‖ seconds since 1970 (8) ‖ IV (16) ‖ AES-128-CBC with PKCS#7 ‖ HMAC-SHA256 (32), in padded URL-safe
/// base64.
public struct Fernet: ~Copyable {
    private static let version: UInt8 = 0x80
    private static let headCount = 25
    private static let macCount = 32
    /// How far a token may lie in the future, seconds (specification, "Verifying", step 3).
    private static let clockSkew: UInt64 = 60

    private let signing: Secret
    private let encryption: Secret

    /// From a key file's text: 32 bytes in padded URL-safe base64, surrounding white space ignored.
    public init(key text: String) throws(CryptographyError) {
        guard var bytes = Self.decode(text.trimmingCharacters(in: .whitespacesAndNewlines)), bytes.count == 32 else {
            throw .malformed
        }
        signing = Secret(Array(bytes[..<16]))
        encryption = Secret(Array(bytes[16...]))
        bytes.erase()
    }

    /// Opens a token.
    ///
    /// The MAC is checked before anything else is looked at.
    /// - Parameters:
    ///   - now: seconds since 1970; with `timeToLive` it refuses old tokens, and always those more than a minute ahead.
    ///     Nil: no clock.
    /// - Throws: `unauthentic`, whatever is wrong.
    public borrowing func open(_ token: String, timeToLive: UInt64? = nil, now: UInt64? = nil) throws(CryptographyError)
        -> [UInt8]
    {
        guard let bytes = Self.decode(token), bytes.count >= Self.headCount + 16 + Self.macCount,
            bytes[0] == Self.version
        else { throw .unauthentic }
        let body = Array(bytes.dropLast(Self.macCount))
        guard signing.isValid(authenticationCode: Array(bytes.suffix(Self.macCount)), for: body) else {
            throw .unauthentic
        }
        let time = bytes[1..<9].reduce(UInt64.zero) { $0 << 8 | UInt64($1) }
        if let now {
            let (latest, overflow) = now.addingReportingOverflow(Self.clockSkew)
            guard overflow || time <= latest else { throw .unauthentic }
            if let timeToLive {
                let (expiry, never) = time.addingReportingOverflow(timeToLive)
                guard never || now <= expiry else { throw .unauthentic }
            }
        }
        do {
            return Array(
                try AES._CBC.decrypt(
                    body[Self.headCount...], using: encryption.key, iv: AES._CBC.IV(ivBytes: body[9..<Self.headCount])))
        } catch { throw .unauthentic }
    }

    /// Makes a token.
    /// - Parameters:
    ///   - time: seconds since 1970.
    ///   - iv: 16 bytes; random unless a published vector fixes them.
    public borrowing func seal(_ plaintext: [UInt8], time: UInt64, iv: [UInt8] = randomBytes(16))
        throws(CryptographyError) -> String
    {
        do {
            let ciphertext = try AES._CBC.encrypt(plaintext, using: encryption.key, iv: AES._CBC.IV(ivBytes: iv))
            let body = [Self.version] + bigEndian(time) + iv + Array(ciphertext)
            return Self.encode(body + signing.authenticationCode(for: body))
        } catch { throw .unacceptableParameters }
    }

    private static func decode(_ text: String) -> [UInt8]? {
        guard text.utf8.count.isMultiple(of: 4) else { return nil }
        let unpadded = text.replacing(/={0,2}$/, with: "")
        guard let bytes = Base64URL.decode(String(unpadded)), encode(bytes) == text else { return nil }
        return bytes
    }

    private static func encode(_ bytes: [UInt8]) -> String {
        let text = Base64URL.encode(bytes)
        return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    }
}
