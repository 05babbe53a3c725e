import Channel
import Foundation
import Synchronization

/// Channels that programs opened with their API keys, kept for a moment: the next request with the same key need not
/// open another one.
///
/// A channel serves one request at a time. What a key may do is the cell's to judge: a channel whose key was revoked is
/// closed there, and then a new one is asked for.
final class KeyChannels: Sendable {
    /// *Our choice*: idle channels of one key; and how long one is kept idle, and at most.
    private static let limit = 16, idle = Duration.seconds(60), life = Duration.seconds(600)
    private static let round = Duration.seconds(15)

    struct Kept: Sendable {
        let client: ChannelClient
        let opened: ContinuousClock.Instant
        var used: ContinuousClock.Instant
    }

    private let carrier: any Carrier
    private let pinned: String?
    private let clock: @Sendable () -> Date
    /// By token: found by its keyed hash, so that no time tells how much of another one is right.
    private let kept = Mutex<[String: [Kept]]>([:])

    /// - Parameter pinned: the fingerprint that the node must have; nil where nobody could be in between.
    init(_ carrier: any Carrier, pinned: String?, clock: @escaping @Sendable () -> Date) {
        (self.carrier, self.pinned, self.clock) = (carrier, pinned, clock)
        Task { [weak self] in
            while await self?.closeOld() != nil { try await Task.sleep(for: Self.round) }
        }
    }

    /// A channel for one request.
    /// - Throws: `APIError` 401 for a wrong key, 502 for a node that is not the pinned one.
    func channel(token: String) async throws -> KeyChannel {
        await closeOld()
        let known = kept.withLock { $0[token]?.popLast() }
        if let known { return KeyChannel(known, token: token, of: self, isProven: false) }
        return KeyChannel(try await open(token), token: token, of: self, isProven: true)
    }

    /// A new channel.
    fileprivate func open(_ token: String) async throws -> Kept {
        do {
            let client = try await ChannelClient(
                .key(token: token), over: carrier, pinned: pinned, now: UInt64(max(clock().timeIntervalSince1970, 0)))
            return Kept(client: client, opened: .now, used: .now)
        } catch let refusal as Refusal where refusal.code == .wrongCredential {
            throw APIError.wrongKey
        } catch ChannelError.fingerprintChanged { throw APIError.anotherNode }
    }

    /// Takes a channel back whose request was answered to its end.
    fileprivate func keep(_ channel: Kept, token: String) {
        var channel = channel
        channel.used = .now
        kept.withLock { $0[token, default: []].append(channel) }
    }

    private func closeOld() async {
        let now = ContinuousClock.now
        let old = kept.withLock { kept in
            var old: [Kept] = []
            for (token, channels) in kept {
                let young = channels.filter { now - $0.used < Self.idle && now - $0.opened < Self.life }.suffix(
                    Self.limit)
                old += channels.filter { channel in !young.contains { $0.client === channel.client } }
                kept[token] = young.isEmpty ? nil : Array(young)
            }
            return old
        }
        for channel in old { await channel.client.close() }
    }
}

/// The channel of one request.
actor KeyChannel {
    private let token: String
    private let channels: KeyChannels
    private var channel: KeyChannels.Kept
    /// Whether it was seen open in this request.
    private var isProven: Bool

    init(_ channel: KeyChannels.Kept, token: String, of channels: KeyChannels, isProven: Bool) {
        (self.channel, self.token, self.channels, self.isProven) = (channel, token, channels, isProven)
    }

    /// Asks; if the channel was closed since the last request, on a new one.
    /// - Throws: as `ChannelClient.ask`; `APIError` 401 if the key is not valid any more.
    func ask(_ action: String, _ content: Data) async throws -> OpenedReply {
        do {
            let reply = try await channel.client.ask(action, content)
            isProven = true
            return reply
        } catch let refusal as Refusal where refusal.code == .locked && !isProven {
            channel = try await channels.open(token)
            isProven = true
            return try await channel.client.ask(action, content)
        }
    }

    /// Asks for a reply of one piece and decodes it.
    func ask<Reply: Decodable>(_ action: String, _ content: some Encodable & Sendable, as type: Reply.Type) async throws
        -> Reply
    {
        let reply = try await ask(action, try JSONEncoder().encode(content))
        guard let first = try await reply.next() else { throw ChannelError.truncated }
        guard try await reply.next() == nil else { throw ChannelError.malformed }
        return try JSONDecoder().decode(type, from: first)
    }

    /// The request was answered to its end: the channel may serve another one.
    func finish() { channels.keep(channel, token: token) }

    /// The request was given up: nobody knows what is still on its way.
    func close() async { await channel.client.close() }
}

extension ChannelClient {
    /// Ends the channel; that it could not be told is no error.
    fileprivate func close() async {
        struct Closed: Decodable { let closed: Bool }
        _ = try? await ask("close", [String: String](), as: Closed.self)
    }
}
