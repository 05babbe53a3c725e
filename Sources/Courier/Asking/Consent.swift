public import Cryptography
public import References

/// A question in which what identifies a person was replaced by placeholders; nothing else may leave.
public struct Masked: Hashable, Sendable {
    /// The exact bytes that would be sent.
    public let bytes: [UInt8]

    /// - Parameter bytes: what the person was shown, masked.
    public init(maskedBytes bytes: [UInt8]) { self.bytes = bytes }
}

/// What a person agrees to: these bytes, to this one, for this long.
public struct Consent: Hashable, Sendable {
    /// Which verb may carry it.
    public enum Verb: UInt8, Sendable {
        /// To a service outside.
        case ask = 1
        /// To a server in one's own network, at a pinned address.
        case askInside = 2
    }

    /// Which verb may carry it.
    public let verb: Verb
    /// Who is asked.
    public let origin: Origin
    /// The address that is dialled for it; nil for `ask`.
    public let address: NetworkAddress?
    /// SHA-256 of the masked bytes, 32 bytes.
    public let digest: [UInt8]
    /// Seconds since 1970 from which on it holds.
    public let from: UInt64
    /// Seconds since 1970 at which it ends.
    public let until: UInt64
    /// 16 random bytes: each agreement is its own.
    public let nonce: [UInt8]

    /// An agreement to send exactly `question`.
    public init(
        _ verb: Verb, _ question: Masked, to origin: Origin, at address: NetworkAddress? = nil, from: UInt64,
        until: UInt64, nonce: [UInt8] = randomBytes(16)
    ) {
        precondition(nonce.count == 16, "a nonce has 16 bytes")
        (self.verb, self.origin, self.address) = (verb, origin, address)
        (digest, self.from, self.until, self.nonce) = (sha256(question.bytes), from, until, nonce)
    }

    /// The bytes that are signed (`docs/formats/courier.md`).
    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.bytes(Array("cloister courier consent".utf8))
        writer.byte(1)
        writer.byte(verb.rawValue)
        writer.prefixed16(Array(origin.description.utf8))
        writer.prefixed16(address?.bytes ?? [])
        writer.bytes(digest)
        writer.integer(from)
        writer.integer(until)
        writer.bytes(nonce)
        return writer.output
    }
}

/// A consent with the Ed25519 signature (RFC 8032) of whoever gave it.
public struct SignedConsent: Hashable, Sendable {
    /// What was agreed to.
    public let consent: Consent
    /// 32 bytes: whose signature it is.
    public let publicKey: [UInt8]
    /// 64 bytes over `consent.bytes`.
    public let signature: [UInt8]

    /// Signs a consent.
    /// - Throws: `CryptographyError.invalidKey`.
    public init(_ consent: Consent, signedBy key: borrowing SigningKey) throws(CryptographyError) {
        (self.consent, publicKey, signature) = (consent, key.publicKey, try key.signature(for: consent.bytes))
    }

    /// Whether exactly this question may be sent now, by the word of whoever has this key.
    /// - Parameter now: seconds since 1970.
    public func covers(_ question: Masked, of publicKey: [UInt8], now: UInt64) -> Bool {
        self.publicKey == publicKey && consent.digest == sha256(question.bytes)
            && consent.from <= now && now < consent.until
            && isValidSignature(signature, of: consent.bytes, by: publicKey)
    }
}
