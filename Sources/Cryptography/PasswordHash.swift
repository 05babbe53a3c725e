import Crypto
import CryptoExtras
import Foundation

/// scrypt (RFC 7914) with the parameters stored beside each slot.
public struct PasswordHash: Sendable, Equatable {
    /// log₂ of the cost N.
    public let logCost: UInt8
    /// Block size r.
    public let blockSize: UInt8
    /// Parallelism p.
    public let parallelism: UInt8
    /// 16 random bytes.
    public let salt: [UInt8]

    /// *Our choice*: N = 2¹⁷, r = 8, p = 1: 128 MiB and about 0.4 s on one core (OWASP's first recommendation for
    /// scrypt).
    public static func fresh() -> PasswordHash {
        PasswordHash(uncheckedLogCost: 17, blockSize: 8, parallelism: 1, salt: randomBytes(16))
    }

    /// Parameters read from disk.
    /// - Throws: `unacceptableParameters` outside N = 2¹⁵…2²⁰, r = 8, p = 1: a changed disk must neither weaken nor
    ///   exhaust us.
    public init(logCost: UInt8, blockSize: UInt8, parallelism: UInt8, salt: [UInt8]) throws(CryptographyError) {
        guard (15...20).contains(logCost), blockSize == 8, parallelism == 1, salt.count == 16 else {
            throw .unacceptableParameters
        }
        self.init(uncheckedLogCost: logCost, blockSize: blockSize, parallelism: parallelism, salt: salt)
    }

    init(uncheckedLogCost: UInt8, blockSize: UInt8, parallelism: UInt8, salt: [UInt8]) {
        (logCost, self.blockSize, self.parallelism, self.salt) = (uncheckedLogCost, blockSize, parallelism, salt)
    }

    /// The 32-byte key of a passphrase, over its NFC form in UTF-8.
    ///
    /// Takes `128 · r · N` bytes of memory; run at most
    /// two at a time.
    public func key(for passphrase: String) throws(CryptographyError) -> Secret {
        var bytes = Array(passphrase.precomposedStringWithCanonicalMapping.utf8)
        defer { bytes.erase() }
        do {
            return Secret(
                key: try KDF.Scrypt.deriveKey(
                    from: bytes, salt: salt, outputByteCount: 32, rounds: 1 << Int(logCost),
                    blockSize: Int(blockSize), parallelism: Int(parallelism)))
        } catch { throw .unacceptableParameters }
    }
}
