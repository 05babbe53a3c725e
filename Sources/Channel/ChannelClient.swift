import Cryptography
public import Foundation

/// A program's side of a channel: opens it over a carrier and asks.
public actor ChannelClient {
    /// What the host said at opening.
    public nonisolated let opened: Opened
    /// The node's fingerprint.
    public nonisolated let fingerprint: String
    private let carrier: any Carrier
    private var channel: ClientChannel

    /// Opens a channel.
    /// - Parameters:
    ///   - pinned: the fingerprint that this node must have; nil at first contact.
    ///   - now: seconds since 1970.
    /// - Throws: the host's `Refusal`, or a `ChannelError`.
    public init(_ credential: Credential, over carrier: any Carrier, pinned: String?, now: UInt64) async throws {
        let offer = try await carrier.offer()
        let opening = try Opening(credential, offer: offer, pinned: pinned, now: now)
        let channel = try opening.finish(try await carrier.open(opening.body))
        (opened, fingerprint) = (channel.opened, opening.fingerprint)
        self.carrier = carrier
        self.channel = channel
    }

    /// Asks, and opens the reply piece by piece.
    /// - Parameters:
    ///   - action: one of `docs/formats/actions.md`.
    ///   - object: 32 hexadecimal characters, or nil.
    ///   - content: the request's JSON.
    /// - Throws: a `Refusal` if the first thing that came back was one.
    public func ask(_ action: String, object: String? = nil, _ content: Data = Data("{}".utf8)) async throws
        -> OpenedReply
    {
        var identifier = Identifier<Place.ObjectKind>.none
        if let object {
            guard let parsed = Identifier<Place.ObjectKind>(hex: object) else {
                throw Refusal(.notFound, "There is no such object.")
            }
            identifier = parsed
        }
        let place = try Place(action: action, object: identifier)
        let outgoing = try channel.seal(Array(content), for: place)
        let stream = try await carrier.ask(channel.route, place, outgoing.body)
        return OpenedReply(stream: stream, opener: outgoing.opener)
    }

    /// Asks for a reply of one piece and decodes it.
    /// - Throws: the sealed `Refusal`, `ChannelError.truncated`, or a decoding error.
    public func ask<Reply: Decodable>(
        _ action: String, object: String? = nil, _ content: some Encodable & Sendable, as type: Reply.Type
    ) async throws -> Reply {
        let encoder = JSONEncoder()
        let reply = try await ask(action, object: object, try encoder.encode(content))
        guard let first = try await reply.next() else { throw ChannelError.truncated }
        guard try await reply.next() == nil else { throw ChannelError.malformed }
        return try JSONDecoder().decode(type, from: first)
    }
}

/// A reply being opened.
///
/// Every piece is authentic and in order, or an error is thrown.
public actor OpenedReply {
    private let pieces: PieceStream
    private var opener: ReplyOpener

    init(stream: PieceStream, opener: consuming ReplyOpener) {
        pieces = stream
        self.opener = opener
    }

    /// The next piece's JSON; nil after the final one.
    /// - Throws: a sealed `Refusal`; `ChannelError` for pieces that are not the reply, or an end without the final one.
    public func next() async throws -> Data? {
        if opener.isFinished { return nil }
        guard let piece = await pieces.next() else {
            try opener.end()
            return nil
        }
        let content = Data(try opener.open(piece))
        if let refused = try? JSONDecoder().decode(RefusalEnvelope.self, from: content) { throw refused.error }
        return content
    }
}
