import Crypto
import Foundation

/// An Ed25519 signing key (RFC 8032), kept as its 32-byte seed.
public struct SigningKey: ~Copyable, Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// From the 32-byte seed.
    public init(seed: borrowing Secret) throws(CryptographyError) {
        do { key = try seed.withUnsafeBytes { try .init(rawRepresentation: $0) } } catch { throw .invalidKey }
    }

    /// The public half, 32 bytes.
    public var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// Signs `message`; 64 bytes.
    public borrowing func signature(for message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        do { return Array(try key.signature(for: message)) } catch { throw .invalidKey }
    }
}

/// Whether `signature` is `publicKey`'s Ed25519 signature of `message`.
public func isValidSignature(_ signature: [UInt8], of message: [UInt8], by publicKey: [UInt8]) -> Bool {
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
    return key.isValidSignature(signature, for: message)
}
