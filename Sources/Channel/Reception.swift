public import Cryptography
import Foundation

/// Where openings arrive: every offer has an HPKE key of its own, which serves one opening and is gone after it.
///
/// So a record of what passed by opens nothing later, and whoever judges an opening needs the key of that one only.
public struct Reception: ~Copyable, Sendable {
    private static let offerLimit = 1_000

    private let identity: SigningKey
    private var offers: [[UInt8]: (admission: Shared, given: UInt64)] = [:]
    /// What people compare and clients pin.
    public let fingerprint: String

    private final class Shared: Sendable {
        let admission: Admission
        init(_ admission: consuming Admission) { self.admission = admission }
    }

    /// - Parameter identity: the node's signing key.
    public init(identity: consuming SigningKey) {
        fingerprint = NodeRecord.fingerprint(of: identity.publicKey)
        self.identity = identity
    }

    /// The record of a fresh key, with a challenge.
    /// - Parameter now: seconds since 1970.
    public mutating func offer(now: UInt64) throws(CryptographyError) -> [UInt8] {
        if offers.count >= Self.offerLimit, let oldest = offers.min(by: { $0.value.given < $1.value.given }) {
            offers[oldest.key] = nil
        }
        let admission = try Admission(identity: identity, now: now)
        let (record, challenge) = (admission.record.encoded, randomBytes(Opening.challengeCount))
        offers[challenge] = (Shared(admission), now)
        return record + challenge
    }

    /// The key that an opening was made for.
    ///
    /// It is given out once, whatever comes of it.
    /// - Throws: `staleChallenge`, `malformed`.
    public mutating func admit(_ body: [UInt8], now: UInt64) throws(ChannelError) -> Admission {
        let head = try OpeningHead(of: body)
        guard let offer = offers.removeValue(forKey: head.challenge), now < offer.given + NodeRecord.usualLife,
            offer.admission.admission.record.keyID == head.keyID
        else { throw .staleChallenge }
        return offer.admission.admission.duplicate()
    }
}

/// What an opening says in the clear: version ‖ key (8) ‖ challenge (32) ‖ encapsulation (32) ‖ ciphertext.
private struct OpeningHead {
    let keyID, challenge, encapsulated, ciphertext: [UInt8]

    init(of body: [UInt8]) throws(ChannelError) {
        do {
            var reader = ByteReader(body)
            guard try reader.byte() == 1 else { throw ChannelError.malformed }
            keyID = try reader.bytes(8)
            challenge = try reader.bytes(Opening.challengeCount)
            encapsulated = try reader.bytes(32)
            ciphertext = reader.rest()
        } catch { throw .malformed }
    }
}

/// The key of one offer: opens the one opening that was made for it.
public struct Admission: ~Copyable, Sendable {
    let record: NodeRecord
    private let pair: AgreementKeyPair

    fileprivate init(identity: borrowing SigningKey, now: UInt64) throws(CryptographyError) {
        pair = AgreementKeyPair()
        record = try NodeRecord(agreementKey: pair.publicKey, notBefore: now, signedBy: identity)
    }

    private init(record: NodeRecord, pair: consuming AgreementKeyPair) {
        self.record = record
        self.pair = pair
    }

    /// Reads an admission that the node's own process made.
    /// - Parameter now: seconds since 1970.
    /// - Throws: `malformed`, `untrustedNode`.
    public init(decoding bytes: [UInt8], now: UInt64) throws(ChannelError) {
        guard bytes.count == 32 + NodeRecord.byteCount else { throw .malformed }
        let record = try NodeRecord(verifying: Array(bytes.dropFirst(32)), now: now)
        let pair: AgreementKeyPair
        do { pair = try AgreementKeyPair(privateKey: Secret(Array(bytes.prefix(32)))) } catch { throw .malformed }
        guard record.agreementKey == pair.publicKey else { throw .malformed }
        self.init(record: record, pair: pair)
    }

    /// Private key (32) ‖ record, for the process that shall judge the opening; to be erased after use.
    public borrowing func encoded() -> [UInt8] {
        pair.privateSecret().withUnsafeBytes { Array($0) } + record.encoded
    }

    fileprivate borrowing func duplicate() -> Admission {
        guard let pair = try? AgreementKeyPair(privateKey: pair.privateSecret()) else {
            preconditionFailure("a key that was made here can be read")
        }
        return Admission(record: record, pair: pair)
    }

    /// Opens the opening.
    /// - Throws: `malformed`, `refused`.
    public consuming func receive(_ body: [UInt8]) throws(ChannelError) -> Arrival {
        let head = try OpeningHead(of: body)
        do {
            var recipient = try HybridEncryption.Recipient(
                pair, encapsulated: head.encapsulated, info: record.openingInfo(challenge: head.challenge))
            let padded = try recipient.open(head.ciphertext, authenticating: Array("open".utf8))
            var content = try Padding.unpad(padded)
            defer { content.erase() }
            guard let credential = try? JSONDecoder().decode(Credential.self, from: Data(content)) else {
                throw ChannelError.malformed
            }
            return Arrival(
                credential: credential, keys: ChannelKeys(try recipient.exported("cloister/channel/v1")))
        } catch let error as ChannelError { throw error } catch { throw .refused }
    }
}

/// An opening that was read: a credential to be judged, and the keys to answer under.
public struct Arrival: ~Copyable, Sendable {
    /// What the client presents.
    public let credential: Credential
    private let keys: ChannelKeys

    init(credential: Credential, keys: consuming ChannelKeys) {
        self.credential = credential
        self.keys = keys
    }

    /// The one reply piece, sealed.
    public borrowing func reply(_ content: [UInt8]) -> [UInt8] {
        var sealer = ReplySealer(keys, account: .none, place: .opening, counter: .opening)
        return sealer.seal(content, final: true)
    }

    /// The channel for an account whose credential opened.
    public borrowing func channel(for account: AccountID) -> HostChannel {
        HostChannel(account: account, keys: keys.duplicate())
    }
}
