public import Cryptography

/// The node's current HPKE key, signed by its identity.
///
/// `docs/formats/channel.md` §1.
public struct NodeRecord: Sendable, Equatable {
    /// Length in bytes.
    public static let byteCount = 190
    /// Longest life of an HPKE key that a client accepts, seconds.
    public static let lifetime: UInt64 = 86_400
    /// The life of the keys that are made here, seconds.
    public static let usualLife: UInt64 = 120
    private static let signedCount = 126
    private static let skew: UInt64 = 300
    private static let signingContext = Array("Cloister nodekey v1".utf8)
    private static let head = Array("CLNK".utf8) + [1, 0, 0x20, 0, 1, 0, 2]

    /// Names the HPKE key.
    public let keyID: [UInt8]
    /// Start of validity, seconds since 1970.
    public let notBefore: UInt64
    /// End of validity, seconds since 1970.
    public let notAfter: UInt64
    /// The X25519 key to seal to, 32 bytes.
    public let agreementKey: [UInt8]
    /// The node's Ed25519 identity, 32 bytes.
    public let identity: [UInt8]
    /// The record as it travels.
    public let encoded: [UInt8]

    /// Makes and signs a record for a fresh HPKE key.
    public init(agreementKey: [UInt8], notBefore: UInt64, signedBy key: borrowing SigningKey) throws(CryptographyError)
    {
        keyID = randomBytes(8)
        self.notBefore = notBefore
        notAfter = notBefore + Self.usualLife
        self.agreementKey = agreementKey
        identity = key.publicKey
        let body = Self.head + keyID + bigEndian(notBefore) + bigEndian(notAfter) + agreementKey + identity
        let signed = body + [UInt8](repeating: 0, count: Self.signedCount - body.count)
        encoded = signed + (try key.signature(for: Self.signingContext + signed))
    }

    /// Reads and judges a record.
    /// - Parameter now: seconds since 1970; five minutes of difference are allowed.
    /// - Throws: `untrustedNode`.
    public init(verifying bytes: [UInt8], now: UInt64) throws(ChannelError) {
        guard bytes.count == Self.byteCount, Array(bytes[..<11]) == Self.head, bytes[99..<126].allSatisfy({ $0 == 0 })
        else {
            throw .untrustedNode
        }
        keyID = Array(bytes[11..<19])
        notBefore = bytes[19..<27].reduce(0) { $0 << 8 | UInt64($1) }
        notAfter = bytes[27..<35].reduce(0) { $0 << 8 | UInt64($1) }
        agreementKey = Array(bytes[35..<67])
        identity = Array(bytes[67..<99])
        encoded = bytes
        let message = Self.signingContext + bytes[..<Self.signedCount]
        let (earliest, _) = now.addingReportingOverflow(Self.skew)
        guard isValidSignature(Array(bytes[Self.signedCount...]), of: message, by: identity),
            notAfter >= notBefore, notAfter - notBefore <= Self.lifetime, notBefore <= earliest,
            now < Self.skew || now - Self.skew <= notAfter
        else { throw .untrustedNode }
    }

    /// SHA-256 of the identity in base64url, 43 characters: what people compare and clients pin.
    public var fingerprint: String { Self.fingerprint(of: identity) }

    /// The fingerprint of an Ed25519 identity.
    public static func fingerprint(of identity: [UInt8]) -> String { Base64URL.encode(sha256(identity)) }

    func openingInfo(challenge: [UInt8]) -> [UInt8] {
        Array("cloister/open/v1".utf8) + sha256(encoded) + challenge
    }
}
