import Crypto
import Foundation

/// An X25519 public key (RFC 7748) that is known not to be of low order.
public struct AgreementPublicKey: Sendable, Equatable {
    /// 32 bytes, the u-coordinate.
    public let bytes: [UInt8]

    /// Checks and keeps a key from outside.
    ///
    /// swift-crypto ignores the all-zero result that RFC 9180 §7.1.4 says to refuse, in HPKE too. One agreement with a
    /// throw-away key shows every
    /// low-order point, because a clamped scalar is a multiple of the cofactor.
    /// - Throws: `invalidKey`.
    public init(_ bytes: [UInt8]) throws(CryptographyError) {
        guard bytes.count == 32, let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes),
            let secret = try? Curve25519.KeyAgreement.PrivateKey().sharedSecretFromKeyAgreement(with: key),
            !(secret == Data(count: 32))
        else { throw .invalidKey }
        self.bytes = bytes
    }

    func imported() throws(CryptographyError) -> Curve25519.KeyAgreement.PublicKey {
        do { return try Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes) } catch { throw .invalidKey }
    }
}

/// An X25519 key pair for HPKE.
///
/// The private half is zeroed when the last owner releases it.
public struct AgreementKeyPair: ~Copyable, Sendable {
    let privateKey: Curve25519.KeyAgreement.PrivateKey

    /// A fresh pair.
    public init() { privateKey = .init() }

    /// A pair from its 32 private bytes.
    public init(privateKey secret: borrowing Secret) throws(CryptographyError) {
        do {
            privateKey = try secret.withUnsafeBytes { try .init(rawRepresentation: $0) }
        } catch { throw .invalidKey }
    }

    /// The public half, 32 bytes.
    public var publicKey: [UInt8] { Array(privateKey.publicKey.rawRepresentation) }

    /// The private half, for wrapping.
    public borrowing func privateSecret() -> Secret { Secret(bytes: privateKey.rawRepresentation) }
}
