import Cryptography
import Testing

@testable import Channel

private let now: UInt64 = 1_800_000_000
private let credential = Credential.passphrase(name: "Ada", passphrase: "correct horse")

/// Two ends that talk without a gateway between them.
private struct Pair: ~Copyable {
    var client: ClientChannel
    var host: HostChannel

    init() throws {
        var reception = try Reception(identity: SigningKey(seed: .random()))
        let opening = try Opening(credential, offer: reception.offer(now: now), pinned: nil, now: now)
        let arrival = try reception.admit(opening.body, now: now).receive(opening.body)
        let account = AccountID()
        let opened = #"{"account":"\#(account.hex)","name":"Ada","keep":true,"scope":"owner"}"#
        client = try opening.finish(arrival.reply(Array(opened.utf8)))
        host = arrival.channel(for: account)
    }
}

struct OpeningTests {
    @Test func `a credential arrives and both ends hold the same route`() throws {
        var reception = try Reception(identity: SigningKey(seed: .random()))
        let opening = try Opening(
            credential, offer: reception.offer(now: now), pinned: reception.fingerprint, now: now)
        let arrival = try reception.admit(opening.body, now: now).receive(opening.body)
        #expect(arrival.credential == credential)
        #expect(arrival.channel(for: AccountID()).route == opening.route)
    }

    @Test func `a challenge serves once, for two minutes, and only if it was given`() throws {
        var reception = try Reception(identity: SigningKey(seed: .random()))
        let opening = try Opening(credential, offer: reception.offer(now: now), pinned: nil, now: now)
        let late = try Opening(credential, offer: reception.offer(now: now), pinned: nil, now: now)
        _ = try reception.admit(opening.body, now: now).receive(opening.body)
        #expect(throws: ChannelError.staleChallenge) {
            _ = try reception.admit(opening.body, now: now).receive(opening.body)
        }
        #expect(throws: ChannelError.staleChallenge) {
            _ = try reception.admit(late.body, now: now + 120).receive(late.body)
        }
        var other = try Reception(identity: SigningKey(seed: .random()))
        let foreign = try Opening(credential, offer: other.offer(now: now), pinned: nil, now: now)
        #expect(throws: ChannelError.staleChallenge) {
            _ = try reception.admit(foreign.body, now: now).receive(foreign.body)
        }
    }

    @Test func `every changed byte of an opening is refused`() throws {
        var reception = try Reception(identity: SigningKey(seed: .random()))
        for index in stride(from: 0, to: 73 + 40, by: 3) {
            var body = try Opening(credential, offer: reception.offer(now: now), pinned: nil, now: now).body
            body[index] ^= 1
            #expect(throws: ChannelError.self, "byte \(index)") {
                _ = try reception.admit(body, now: now).receive(body)
            }
        }
    }

    @Test func `a low-order encapsulation is refused`() throws {
        var reception = try Reception(identity: SigningKey(seed: .random()))
        let opening = try Opening(credential, offer: reception.offer(now: now), pinned: nil, now: now)
        let body = opening.body[..<41] + [UInt8](repeating: 0, count: 32) + opening.body[73...]
        #expect(throws: ChannelError.refused) { _ = try reception.admit(Array(body), now: now).receive(Array(body)) }
    }

    @Test func `a client refuses an unsigned, outdated or substituted node`() throws {
        var reception = try Reception(identity: SigningKey(seed: .random()))
        let offer = try reception.offer(now: now)
        for index in 0..<NodeRecord.byteCount {
            var changed = offer
            changed[index] ^= 1
            #expect(throws: ChannelError.untrustedNode, "byte \(index)") {
                _ = try Opening(credential, offer: changed, pinned: nil, now: now)
            }
        }
        for time in [now - 301, now + NodeRecord.lifetime + 301] {
            #expect(throws: ChannelError.untrustedNode) {
                _ = try Opening(credential, offer: offer, pinned: nil, now: time)
            }
        }
        let other = try Reception(identity: SigningKey(seed: .random())).fingerprint
        #expect(throws: ChannelError.fingerprintChanged) {
            _ = try Opening(credential, offer: offer, pinned: other, now: now)
        }
    }

    @Test func `a reply from anyone but the node is refused`() throws {
        var reception = try Reception(identity: SigningKey(seed: .random()))
        let opening = try Opening(credential, offer: reception.offer(now: now), pinned: nil, now: now)
        let other = try Opening(credential, offer: reception.offer(now: now), pinned: nil, now: now)
        let arrival = try reception.admit(other.body, now: now).receive(other.body)
        #expect(throws: ChannelError.refused) { _ = try opening.finish(arrival.reply(Array("{}".utf8))) }
    }

    @Test func `every offer has a key of its own`() throws {
        var reception = try Reception(identity: SigningKey(seed: .random()))
        let keys = try (0..<10).map { _ in Array(try reception.offer(now: now)[35..<67]) }
        #expect(Set(keys).count == 10)
    }

    @Test func `an admission serves in another process, and only whole`() throws {
        var reception = try Reception(identity: SigningKey(seed: .random()))
        let opening = try Opening(credential, offer: reception.offer(now: now), pinned: nil, now: now)
        let bytes = try reception.admit(opening.body, now: now).encoded()
        let arrival = try Admission(decoding: bytes, now: now).receive(opening.body)
        #expect(arrival.credential == credential)
        for bad in [Array(bytes.dropLast()), bytes + [0], [UInt8](repeating: 1, count: 32) + bytes[32...]] {
            #expect(throws: ChannelError.self) { _ = try Admission(decoding: bad, now: now) }
        }
    }
}

struct RequestTests {
    private let place: Place
    private let elsewhere: Place

    init() throws {
        place = try Place(action: "conversations.read", object: .init())
        elsewhere = try Place(action: "conversations.read", object: .init())
    }

    @Test func `requests and replies go both ways`() throws {
        var pair = try Pair()
        for round in 0..<3 {
            var outgoing = try pair.client.seal([1, UInt8(round)], for: place)
            var incoming = try pair.host.open(outgoing.body, place: place)
            #expect(incoming.content == [1, UInt8(round)])
            let pieces = [incoming.sealer.seal([7], final: false), incoming.sealer.seal([8], final: true)]
            #expect(try outgoing.opener.open(pieces[0]) == [7])
            #expect(throws: ChannelError.truncated) { try outgoing.opener.end() }
            #expect(try outgoing.opener.open(pieces[1]) == [8])
            try outgoing.opener.end()
            #expect(throws: ChannelError.truncated) { _ = try outgoing.opener.open(pieces[1]) }
        }
    }

    @Test func `a request is refused when replayed, reordered, changed, or meant for another place`() throws {
        var pair = try Pair()
        let (first, second) = (try pair.client.seal([1], for: place).body, try pair.client.seal([2], for: place).body)
        #expect(throws: ChannelError.refused) { _ = try pair.host.open(second, place: self.elsewhere) }
        let wrongAction = try Place(action: "conversations.delete", object: place.object)
        #expect(throws: ChannelError.refused) { _ = try pair.host.open(second, place: wrongAction) }
        for index in second.indices.dropFirst() {
            var changed = second
            changed[index] ^= 1
            #expect(throws: ChannelError.refused) { _ = try pair.host.open(changed, place: self.place) }
        }
        _ = try pair.host.open(second, place: place)
        #expect(throws: ChannelError.refused) { _ = try pair.host.open(second, place: self.place) }
        #expect(throws: ChannelError.refused) { _ = try pair.host.open(first, place: self.place) }
    }

    @Test func `a stolen cookie opens nothing: another channel's requests are refused`() throws {
        var mine = try Pair()
        var thief = try Pair()
        let body = try thief.client.seal([1], for: place).body
        #expect(throws: ChannelError.refused) { _ = try mine.host.open(body, place: self.place) }
    }

    @Test func `pieces are refused when dropped, reordered, repeated or taken from another reply`() throws {
        var pair = try Pair()
        var outgoing = try pair.client.seal([1], for: place)
        var incoming = try pair.host.open(outgoing.body, place: place)
        let pieces = [incoming.sealer.seal([7], final: false), incoming.sealer.seal([8], final: true)]
        #expect(throws: ChannelError.refused) { _ = try outgoing.opener.open(pieces[1]) }
        _ = try outgoing.opener.open(pieces[0])
        #expect(throws: ChannelError.refused) { _ = try outgoing.opener.open(pieces[0]) }
        var next = try pair.client.seal([1], for: place)
        #expect(throws: ChannelError.refused) { _ = try next.opener.open(pieces[0]) }
    }

    @Test func `a second tab counts for itself, and there are at most 64`() throws {
        var reception = try Reception(identity: SigningKey(seed: .random()))
        let opening = try Opening(credential, offer: reception.offer(now: now), pinned: nil, now: now)
        var host = try reception.admit(opening.body, now: now).receive(opening.body).channel(for: .none)
        let keys = host.sharedKeys()
        func request(tab: UInt8) throws -> [UInt8] {
            try SealedRequest.seal(
                [1], keys: keys, account: .none, place: place,
                counter: RequestCounter(tab: [UInt8](repeating: tab, count: 8), value: 1))
        }
        for tab in 1...64 { _ = try host.open(try request(tab: UInt8(tab)), place: place) }
        let extra = try request(tab: 65)
        #expect(throws: ChannelError.tooManyTabs) { _ = try host.open(extra, place: self.place) }
    }

    @Test(arguments: ["", "Open", "a b", "../x", "é", String(repeating: "a", count: 65)])
    func `an action that is no action is refused`(name: String) {
        #expect(throws: ChannelError.malformed) { _ = try Place(action: name) }
    }
}
