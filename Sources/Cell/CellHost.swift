public import Channel
public import Cryptography
public import Foundation
import Inference
import Vault

/// Where openings and requests arrive: the host of all cells.
///
/// One process has one for now; later each cell has its own.
public actor CellHost: Carrier {
    private static let absoluteLimit: TimeInterval = 12 * 3_600
    private static let channelLimit = 1_024
    private static let cellChannelLimit = 32

    struct CellName: Hashable {
        let account: AccountID
        let scope: ScopeID
    }

    final class OpenChannel {
        /// What the list of sessions calls it; it opens nothing.
        let id = SessionID()
        var host: HostChannel
        let cell: Cell
        let name: CellName
        let opened: Date
        /// Seconds without use after which it is closed.
        let idleLimit: TimeInterval
        var lastUse: Date
        private var replies: [Reply] = []

        private struct Reply { weak var stream: PieceStream? }

        init(host: consuming HostChannel, cell: Cell, name: CellName, idleMinutes: Int?, now: Date) {
            self.host = host
            (self.cell, self.name, opened, lastUse) = (cell, name, now, now)
            idleLimit = Double(idleMinutes ?? Profile.usualIdleMinutes) * 60
        }

        /// Remembers a reply as long as somebody reads it.
        func begin(_ stream: PieceStream) {
            replies = replies.filter { $0.stream != nil } + [Reply(stream: stream)]
        }

        /// Ends every reply that is being written: who lost the session gets nothing more.
        func endReplies() {
            for reply in replies { reply.stream?.end() }
        }
    }

    /// The node's fingerprint, to be pinned.
    public nonisolated let fingerprint: String
    private var reception: Reception
    private let unlocking: Unlocking
    let around: Cell.Surroundings
    private var setupToken: String?
    var channels: [Route: OpenChannel] = [:]
    private var cells: [CellName: Cell] = [:]

    /// - Parameters:
    ///   - nodeSecret: 32 bytes; the seed of the node's identity, from which the look-up key is derived too.
    ///   - setupToken: what the first account is made with; nil if there is one.
    ///   - evidence: what the process can show of its connections.
    public init(
        nodeSecret: borrowing Secret, setupToken: String?, store: any SealedStore, models: any ModelShelf,
        evidence: @escaping @Sendable () -> ProcessEvidence, clock: @escaping @Sendable () -> Date = { Date() }
    ) throws {
        let now = UInt64(clock().timeIntervalSince1970)
        let reception = try Reception(identity: SigningKey(seed: nodeSecret), now: now)
        fingerprint = reception.fingerprint
        self.reception = reception
        self.setupToken = setupToken
        let passphrases = PassphraseQueue()
        let lookupKey = Unlocking.LookupKey(nodeSecret.derived(info: "cloister/lookup/v1"))
        unlocking = Unlocking(store: store, passphrases: passphrases, lookupKey: lookupKey, clock: clock)
        around = Cell.Surroundings(
            store: store, models: models, passphrases: passphrases, lookupKey: lookupKey, evidence: evidence,
            clock: clock)
    }

    /// The node record with a fresh challenge.
    public func offer() throws -> [UInt8] { try reception.offer(now: now()) }

    /// Judges an opening and answers it; see `receive`.
    public func open(_ body: [UInt8]) async throws -> [UInt8] { try await receive(body).reply }

    /// Judges an opening; what is wrong with the credential is said inside the sealed reply.
    /// - Returns: the reply, and the route of the channel if one was opened.
    /// - Throws: a `Refusal` if the opening itself cannot be read.
    public func receive(_ body: [UInt8]) async throws -> (reply: [UInt8], route: Route) {
        let arrival: Arrival
        do { arrival = try reception.receive(body, now: now()) } catch { throw Refusal(channel: error) }
        do {
            if case .look(let token) = arrival.credential {
                guard try await isSetup(token) else { throw Self.staleSetup }
                let models = Replies.Models(models: await around.models.models())
                return (arrival.reply(Array(try JSONEncoder().encode(models))), .none)
            }
            let unlocked = try await unlock(arrival.credential)
            let route = await enter(unlocked, arrival.channel(for: unlocked.account.id))
            return (arrival.reply(Array(try JSONEncoder().encode(unlocked.opened))), route)
        } catch {
            let envelope = RefusalEnvelope(Refusal(translating: error))
            return (arrival.reply(Array(try JSONEncoder().encode(envelope))), .none)
        }
    }

    /// Opens a request and begins its reply.
    /// - Throws: a `Refusal` if there is no such channel or the request does not open.
    public func ask(_ route: Route, _ place: Place, _ body: [UInt8]) async throws -> PieceStream {
        await sweep()
        guard let channel = channels[route] else { throw Refusal(.locked, "This session is locked. Unlock it again.") }
        let incoming: IncomingRequest
        do { incoming = try channel.host.open(body, place: place) } catch { throw Refusal(channel: error) }
        channel.lastUse = around.clock()
        let (cell, content) = (channel.cell, incoming.content)
        let sealer = SharedSealer(incoming.takeSealer())
        let stream = PieceStream { [weak self] send in
            let reply = ReplyWriter(sealer: sealer, hand: send)
            if await self?.serveSessions(place, content, route, reply) == true { return }
            if await cell.serve(place, content, reply) { await self?.afterServing(place, route, cell) }
        }
        // The renewal of all keys says the new recovery code once, at its end; a lock waits for that.
        if place.action != Action.rekey.rawValue { channel.begin(stream) }
        return stream
    }

    /// Closes channels that were idle or open for too long, and cells that nobody uses.
    public func sweep() async {
        let now = around.clock()
        let stale = channels.filter {
            now.timeIntervalSince($0.value.lastUse) > $0.value.idleLimit
                || now.timeIntervalSince($0.value.opened) > Self.absoluteLimit
        }
        for route in stale.keys { channels[route] = nil }
        await closeUnusedCells(keeping: stale.isEmpty)
    }

    /// Closes everything, before the process ends.
    public func closeAll() async {
        channels = [:]
        await closeUnusedCells(keeping: false)
    }

    private func unlock(_ credential: Credential) async throws -> Unlocking.Unlocked {
        switch credential {
        case .passphrase(let name, let passphrase): return try await unlocking.open(name: name, passphrase: passphrase)
        case .recovery(let name, let code): return try await unlocking.open(name: name, recovery: code)
        case .key(let token): return try await unlocking.open(token: token)
        case .look: throw Self.staleSetup
        case .create(let token, let name, let passphrase, let keep):
            guard try await isSetup(token) else { throw Self.staleSetup }
            let unlocked = try await unlocking.create(name: name, passphrase: passphrase, keep: keep)
            setupToken = nil
            return unlocked
        }
    }

    private static let staleSetup = Refusal(
        .denied, "This set-up link is not valid, or the owner was created already.")

    private func isSetup(_ token: String) async throws -> Bool {
        guard let expected = setupToken else { return false }
        let isRight = Secret(sha256(Array(expected.utf8))).matches(Secret(sha256(Array(token.utf8))))
        let isFirst = try await !around.store.hasAccounts()
        return isRight && isFirst
    }

    private func enter(_ unlocked: Unlocking.Unlocked, _ host: consuming HostChannel) async -> Route {
        await sweep()
        let name = CellName(account: unlocked.account.id, scope: unlocked.access.scope)
        makeRoom(for: name)
        let cell = cells[name] ?? Cell(account: unlocked.account, access: unlocked.access, around: around)
        cells[name] = cell
        let route = host.route
        channels[route] = OpenChannel(
            host: host, cell: cell, name: name, idleMinutes: unlocked.opened.idleMinutes, now: around.clock())
        return route
    }

    private func makeRoom(for name: CellName) {
        let own = channels.filter { $0.value.name == name }
        let crowd = own.count >= Self.cellChannelLimit ? own : channels.count >= Self.channelLimit ? channels : [:]
        if let oldest = crowd.min(by: { $0.value.lastUse < $1.value.lastUse }) { channels[oldest.key] = nil }
    }

    private func afterServing(_ place: Place, _ route: Route, _ cell: Cell) async {
        switch Action(rawValue: place.action) {
        case .close: channels[route] = nil
        case .lock where cell.isOwners:
            close { $0.cell === cell }
            await closeUnusedCells(keeping: false)
        case .revokeKey, .rekey:
            // The cell of a revoked key must not outlive it; the others' programs open theirs again.
            close { !$0.cell.isOwners }
            await closeUnusedCells(keeping: false)
        default: break
        }
    }

    private func close(where isLost: (OpenChannel) -> Bool) {
        for (route, channel) in channels where isLost(channel) {
            channels[route] = nil
            channel.endReplies()
        }
    }

    /// - Parameter keeping: whether cells of API keys stay for their next request although no channel is open.
    func closeUnusedCells(keeping: Bool) async {
        func isUnused(_ name: CellName) -> Bool {
            !channels.values.contains { $0.name == name } && !(keeping && name.scope != .none)
        }
        for (name, cell) in cells where isUnused(name) {
            // One that seals everything anew is the only one that knows the new root; it goes when it is done.
            let isRekeying = await cell.isRekeying
            guard !isRekeying, cells[name] === cell, isUnused(name) else { continue }
            cells[name] = nil
            await cell.close()
        }
    }

    private func now() -> UInt64 { UInt64(max(around.clock().timeIntervalSince1970, 0)) }
}

extension Cell.Access {
    var scope: ScopeID {
        switch self {
        case .owner: .none
        case .key(let open): open.keyring.scope
        }
    }
}

extension Refusal {
    /// What a channel's error is called in the clear.
    init(channel error: ChannelError) {
        switch error {
        case .staleChallenge: self.init(.busy, "The challenge was used or has expired. Ask for another.")
        case .malformed: self.init(.malformed, "These bytes are no request of this version.")
        default: self.init(.denied, "The request does not open: it was forged, repeated or meant for another place.")
        }
    }
}
