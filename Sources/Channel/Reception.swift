public import Cryptography
import Foundation

/// Where openings arrive: the node's current HPKE key, its signed record, and the challenges it gave out.
///
/// A key is replaced after half its life, so that no record on its way to a client expires; the old one is kept until
/// its end.
public struct Reception: ~Copyable, Sendable {
    private static let challengeLife: UInt64 = 120
    private static let challengeLimit = 1_000

    private let identity: SigningKey
    private var current: Epoch
    private var previous: Epoch?
    private var challenges: [[UInt8]: UInt64] = [:]

    private struct Epoch: Sendable {
        let record: NodeRecord
        let pair: SharedPair

        init(identity: borrowing SigningKey, now: UInt64) throws(CryptographyError) {
            let pair = SharedPair()
            record = try NodeRecord(agreementKey: pair.keys.publicKey, notBefore: now, signedBy: identity)
            self.pair = pair
        }
    }

    private final class SharedPair: Sendable {
        let keys = AgreementKeyPair()
    }

    /// - Parameters:
    ///   - identity: the node's signing key.
    ///   - now: seconds since 1970.
    public init(identity: consuming SigningKey, now: UInt64) throws(CryptographyError) {
        current = try Epoch(identity: identity, now: now)
        self.identity = identity
    }

    /// What people compare and clients pin.
    public var fingerprint: String { current.record.fingerprint }

    /// The node record with a fresh challenge.
    public mutating func offer(now: UInt64) throws(CryptographyError) -> [UInt8] {
        if now >= current.record.notBefore + NodeRecord.lifetime / 2 {
            previous = current
            current = try Epoch(identity: identity, now: now)
        }
        if challenges.count >= Self.challengeLimit, let oldest = challenges.min(by: { $0.value < $1.value }) {
            challenges[oldest.key] = nil
        }
        let challenge = randomBytes(Opening.challengeCount)
        challenges[challenge] = now
        return current.record.encoded + challenge
    }

    /// Opens an opening.
    ///
    /// Its challenge is used up, whatever comes of it.
    /// - Throws: `staleChallenge`, `malformed`, `refused`.
    public mutating func receive(_ body: [UInt8], now: UInt64) throws(ChannelError) -> Arrival {
        do {
            var reader = ByteReader(body)
            guard try reader.byte() == 1 else { throw ChannelError.malformed }
            let keyID = try reader.bytes(8)
            let challenge = try reader.bytes(Opening.challengeCount)
            let encapsulated = try reader.bytes(32)
            guard let given = challenges.removeValue(forKey: challenge), now < given + Self.challengeLife,
                let epoch = [current, previous].compactMap({ $0 }).first(where: { $0.record.keyID == keyID }),
                now < epoch.record.notAfter
            else { throw ChannelError.staleChallenge }
            var recipient = try HybridEncryption.Recipient(
                epoch.pair.keys, encapsulated: encapsulated, info: epoch.record.openingInfo(challenge: challenge))
            let padded = try recipient.open(reader.rest(), authenticating: Array("open".utf8))
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
