public import Cryptography
import Foundation

/// The client's first step: checks the node and seals a credential to it.
///
/// `docs/formats/channel.md` §2.
public struct Opening: ~Copyable, Sendable {
    /// Bytes of a challenge.
    public static let challengeCount = 32
    static let padding = Padding.multiple(of: 256)

    /// The body of `POST /cloister/v1/open`.
    public let body: [UInt8]
    /// Where the reply and later requests are routed.
    public let route: Route
    /// The fingerprint of the node that the credential is sealed to.
    public let fingerprint: String
    private let keys: ChannelKeys

    /// - Parameters:
    ///   - offer: what `GET /cloister/v1/node` returned: node record ‖ challenge.
    ///   - pinned: the fingerprint that this node had before; nil at first contact.
    ///   - now: seconds since 1970.
    /// - Throws: `untrustedNode`, `fingerprintChanged`, `malformed`.
    public init(_ credential: Credential, offer: [UInt8], pinned: String?, now: UInt64) throws(ChannelError) {
        guard offer.count == NodeRecord.byteCount + Self.challengeCount else { throw .malformed }
        let record = try NodeRecord(verifying: Array(offer.prefix(NodeRecord.byteCount)), now: now)
        if let pinned, pinned != record.fingerprint { throw .fingerprintChanged }
        let challenge = Array(offer.suffix(Self.challengeCount))
        let sealed: SealedCredential
        do { sealed = try SealedCredential(credential, to: record, challenge: challenge) } catch {
            throw .untrustedNode
        }
        body = [1] + record.keyID + challenge + sealed.bytes
        keys = ChannelKeys(sealed.secret.duplicate())
        route = keys.route()
        fingerprint = record.fingerprint
    }

    /// Reads the host's reply.
    /// - Returns: the open channel with what the host said.
    /// - Throws: the host's `Refusal`, or a `ChannelError` if this is not the node that the credential was sealed to.
    public borrowing func finish(_ piece: [UInt8]) throws -> ClientChannel {
        var opener = ReplyOpener(keys, account: .none, place: .opening, counter: .opening)
        let content = Data(try opener.open(piece))
        try opener.end()
        if let refused = try? JSONDecoder().decode(RefusalEnvelope.self, from: content) { throw refused.error }
        let opened = try JSONDecoder().decode(Opened.self, from: content)
        guard let account = AccountID(hex: opened.account) else { throw ChannelError.malformed }
        return ClientChannel(keys: keys.duplicate(), account: account, opened: opened, route: route)
    }
}

/// enc ‖ ciphertext, with the exporter secret of the same HPKE context.
private struct SealedCredential: ~Copyable {
    let bytes: [UInt8]
    let secret: Secret

    init(_ credential: Credential, to record: NodeRecord, challenge: [UInt8]) throws {
        var sender = try HybridEncryption.Sender(
            to: try AgreementPublicKey(record.agreementKey), info: record.openingInfo(challenge: challenge))
        var plaintext = Array(try JSONEncoder().encode(credential))
        defer { plaintext.erase() }
        let sealed = try sender.seal(Opening.padding.pad(plaintext), authenticating: Array("open".utf8))
        secret = try sender.exported("cloister/channel/v1")
        bytes = sender.encapsulated + sealed
    }
}

/// The client's end of an open channel: one tab.
public struct ClientChannel: ~Copyable, Sendable {
    /// What the host said at opening.
    public let opened: Opened
    /// What the cookie carries.
    public let route: Route
    private let keys: ChannelKeys
    private let account: AccountID
    private let tab = randomBytes(ChannelKeys.tabCount)
    private var sent: UInt64 = 0

    init(keys: consuming ChannelKeys, account: AccountID, opened: Opened, route: Route) {
        self.keys = keys
        (self.account, self.opened, self.route) = (account, opened, route)
    }

    /// Seals the next request.
    ///
    /// Send it before sealing another, or at least in this order.
    public mutating func seal(_ content: [UInt8], for place: Place) throws(ChannelError) -> OutgoingRequest {
        sent += 1
        let counter = RequestCounter(tab: tab, value: sent)
        let body = try SealedRequest.seal(content, keys: keys, account: account, place: place, counter: counter)
        return OutgoingRequest(
            body: body, opener: ReplyOpener(keys, account: account, place: place, counter: counter))
    }
}

/// A sealed request and what opens its reply.
public struct OutgoingRequest: ~Copyable, Sendable {
    /// The body to post.
    public let body: [UInt8]
    /// Opens the reply's pieces.
    public var opener: ReplyOpener
}
