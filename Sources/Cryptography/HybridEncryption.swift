import Crypto
import Foundation

/// HPKE in base mode (RFC 9180 §5.1.1), suite DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
public enum HybridEncryption {
    static let suite = HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256)

    /// The client's side of one exchange.
    public struct Sender: ~Copyable {
        private var context: HPKE.Sender
        /// The encapsulated key, 32 bytes, to be sent along.
        public let encapsulated: [UInt8]

        /// SetupBaseS.
        public init(to recipient: AgreementPublicKey, info: [UInt8]) throws(CryptographyError) {
            let key = try recipient.imported()
            do {
                context = try HPKE.Sender(recipientKey: key, ciphersuite: suite, info: Data(info))
            } catch { throw .invalidKey }
            encapsulated = Array(context.encapsulatedKey)
        }

        /// Seals the next message.
        public mutating func seal(_ plaintext: [UInt8], authenticating aad: [UInt8]) throws(CryptographyError)
            -> [UInt8]
        {
            do { return Array(try context.seal(plaintext, authenticating: aad)) } catch { throw .unauthentic }
        }

        /// Export(context, count) of RFC 9180 §5.3.
        public borrowing func exported(_ label: String, count: Int = 32) throws(CryptographyError) -> Secret {
            do {
                return Secret(key: try context.exportSecret(context: Array(label.utf8), outputByteCount: count))
            } catch { throw .unauthentic }
        }
    }

    /// The host's side of one exchange.
    public struct Recipient: ~Copyable {
        private var context: HPKE.Recipient

        /// SetupBaseR.
        /// - Throws: `invalidKey` for an encapsulation of low order.
        public init(
            _ pair: borrowing AgreementKeyPair, encapsulated: [UInt8], info: [UInt8]
        ) throws(CryptographyError) {
            let checked = try AgreementPublicKey(encapsulated)
            do {
                context = try HPKE.Recipient(
                    privateKey: pair.privateKey, ciphersuite: suite, info: Data(info),
                    encapsulatedKey: Data(checked.bytes))
            } catch { throw .unauthentic }
        }

        /// Opens the next message.
        public mutating func open(_ sealed: [UInt8], authenticating aad: [UInt8]) throws(CryptographyError) -> [UInt8] {
            do { return Array(try context.open(sealed, authenticating: aad)) } catch { throw .unauthentic }
        }

        /// Export(context, count) of RFC 9180 §5.3.
        public borrowing func exported(_ label: String, count: Int = 32) throws(CryptographyError) -> Secret {
            do {
                return Secret(key: try context.exportSecret(context: Array(label.utf8), outputByteCount: count))
            } catch { throw .unauthentic }
        }
    }
}
