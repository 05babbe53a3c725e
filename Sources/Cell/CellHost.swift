public import Channel
public import Cryptography
public import Foundation
import Inference
import Vault

/// Where openings and requests arrive: the host of one process's cells.
///
/// Beside a server each person's cell has a process and a host of its own; a command alone has one host for all.
public actor CellHost {
    private static let absoluteLimit: TimeInterval = 12 * 3_600
    private static let channelLimit = 1_024
    private static let cellChannelLimit = 128
    private static let handoverTries = 30

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

        /// Whether a reply is being read.
        var isAnswering: Bool { replies.contains { $0.stream != nil } }

        /// Ends every reply that is being written: who lost the session gets nothing more.
        func endReplies() {
            for reply in replies { reply.stream?.end() }
        }
    }

    private let unlocking: Unlocking
    let around: Cell.Surroundings
    let neighbours: any Neighbours
    private let emptied: @Sendable () -> Void
    var channels: [Route: OpenChannel] = [:]
    private var cells: [CellName: Cell] = [:]

    /// The key that names are looked up with, from the seed of the node's identity.
    public static func lookupKey(nodeSecret: borrowing Secret) -> Secret {
        nodeSecret.derived(info: "cloister/lookup/v1")
    }

    /// - Parameters:
    ///   - lookupKey: see `lookupKey(nodeSecret:)`.
    ///   - permit: what other processes have to agree to before a passphrase is stretched here; held meanwhile.
    ///   - emptied: called when the last cell was closed.
    ///   - evidence: what the process can show of its connections.
    public init(
        lookupKey: consuming Secret, store: any SealedStore, models: any ModelShelf, neighbours: any Neighbours,
        permit: (@Sendable () async throws -> any Sendable)? = nil, emptied: @escaping @Sendable () -> Void = {},
        evidence: @escaping @Sendable () async -> ProcessEvidence, clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        let passphrases = PassphraseQueue(permit: permit)
        let lookupKey = Unlocking.LookupKey(lookupKey)
        (self.neighbours, self.emptied) = (neighbours, emptied)
        unlocking = Unlocking(store: store, passphrases: passphrases, lookupKey: lookupKey, clock: clock)
        around = Cell.Surroundings(
            store: store, models: models, passphrases: passphrases, lookupKey: lookupKey, neighbours: neighbours,
            evidence: evidence, clock: clock)
    }

    /// What came of an opening.
    public struct Entry: Sendable {
        /// The sealed reply.
        public let reply: [UInt8]
        /// Where requests of the channel are routed; `.none` if none was opened.
        public let route: Route
        /// Whose cell it is; nil if none was opened.
        public let name: CellName?
    }

    /// Judges an opening; what is wrong with the credential is said inside the sealed reply.
    /// - Throws: a `Refusal` if the opening itself cannot be read.
    public func receive(_ body: [UInt8], by admission: consuming Admission) async throws -> Entry {
        let arrival: Arrival
        do { arrival = try admission.receive(body) } catch { throw Refusal(channel: error) }
        do {
            if case .look(let token) = arrival.credential {
                guard try await isSetup(token) else { throw Self.staleSetup }
                let models = Replies.Models(models: await around.models.models())
                return Entry(reply: arrival.reply(Array(try JSONEncoder().encode(models))), route: .none, name: nil)
            }
            let unlocked = try await unlock(arrival.credential)
            let route = try await enter(unlocked, arrival.channel(for: unlocked.account.id))
            return Entry(
                reply: arrival.reply(Array(try JSONEncoder().encode(unlocked.opened))), route: route,
                name: unlocked.cellName)
        } catch {
            let envelope = RefusalEnvelope(Refusal(translating: error))
            return Entry(reply: arrival.reply(Array(try JSONEncoder().encode(envelope))), route: .none, name: nil)
        }
    }

    /// Takes a channel over that was opened in another process for a cell of this one.
    /// - Throws: a `Refusal` unless whoever opened it holds the cell's key.
    public func adopt(_ sealed: [UInt8], for name: CellName) async throws {
        guard let cell = cells[name] else { throw Refusal(.busy, "This session is being locked. Try again.") }
        let handover = try Handover(opening: sealed, with: await cell.access)
        try makeRoom(for: name)
        let host = HostChannel(account: cell.accountID, secret: handover.secret.duplicate())
        channels[host.route] = OpenChannel(
            host: host, cell: cell, name: name, idleMinutes: handover.idleMinutes, now: around.clock())
    }

    /// Whether there is neither a channel nor a cell.
    public var isEmpty: Bool { channels.isEmpty && cells.isEmpty }

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
        close { _ in true }
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
            await neighbours.finishSetup()
            return unlocked
        }
    }

    private static let staleSetup = Refusal(
        .denied, "This set-up link is not valid, or the owner was created already.")

    private func isSetup(_ token: String) async throws -> Bool {
        guard await neighbours.isSetup(token) else { return false }
        return try await !around.store.hasAccounts()
    }

    private func enter(_ unlocked: Unlocking.Unlocked, _ host: consuming HostChannel) async throws -> Route {
        await sweep()
        let name = unlocked.cellName
        if cells[name] == nil, try await isElsewhere(name, unlocked, host) { return host.route }
        try makeRoom(for: name)
        let cell = cells[name] ?? Cell(account: unlocked.account, access: unlocked.access, around: around)
        cells[name] = cell
        let route = host.route
        channels[route] = OpenChannel(
            host: host, cell: cell, name: name, idleMinutes: unlocked.opened.idleMinutes, now: around.clock())
        return route
    }

    /// Whether another process has the cell and took the channel; one that is just ending is waited for.
    private func isElsewhere(
        _ name: CellName, _ unlocked: Unlocking.Unlocked, _ host: borrowing HostChannel
    ) async throws -> Bool {
        let handover = Handover(secret: host.secret(), idleMinutes: unlocked.opened.idleMinutes)
        let sealed = try handover.sealed(with: unlocked.access)
        for _ in 0..<Self.handoverTries {
            if await neighbours.claim(name) { return false }
            do {
                try await neighbours.handOver(sealed, to: name)
                return true
            } catch { try await Task.sleep(for: .milliseconds(100)) }
        }
        throw Refusal(.busy, "This session is being locked, or is used too much at once. Try again.", retryAfter: 1)
    }

    /// Closes the channel unused for longest, where there are too many.
    /// - Throws: `busy` if all of them are answering.
    private func makeRoom(for name: CellName) throws(Refusal) {
        let own = channels.filter { $0.value.name == name }
        let crowd = own.count >= Self.cellChannelLimit ? own : channels.count >= Self.channelLimit ? channels : [:]
        guard !crowd.isEmpty else { return }
        let idle = crowd.filter { !$0.value.isAnswering }
        guard let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
            throw Refusal(.busy, "Too much is being asked at once. Try again in a moment.", retryAfter: 1)
        }
        channels[oldest.key] = nil
    }

    private func afterServing(_ place: Place, _ route: Route, _ cell: Cell) async {
        switch Action(rawValue: place.action) {
        case .close:
            channels[route] = nil
            await closeUnusedCells(keeping: true)
        case .lock where cell.isOwners:
            close { $0.cell === cell }
            await closeUnusedCells(keeping: false)
        case .revokeKey, .rekey:
            // The cell of a revoked key must not outlive it; the others' programs open theirs again.
            close { !$0.cell.isOwners }
            await closeUnusedCells(keeping: false)
            await neighbours.endKeys(of: cell.name)
        default: break
        }
    }

    /// Closes channels; what is being written to them ends.
    func close(where isLost: (OpenChannel) -> Bool) {
        for (route, channel) in channels where isLost(channel) {
            channels[route] = nil
            channel.endReplies()
        }
    }

    /// - Parameter keeping: whether cells of API keys stay for their next request although no channel is open.
    func closeUnusedCells(keeping: Bool) async {
        func isUnused(_ name: CellName) -> Bool {
            !channels.values.contains { $0.name == name } && !(keeping && !name.isOwners)
        }
        for (name, cell) in cells where isUnused(name) {
            // One that seals everything anew is the only one that knows the new root; it goes when it is done.
            let isRekeying = await cell.isRekeying
            guard !isRekeying, cells[name] === cell, isUnused(name) else { continue }
            cells[name] = nil
            await cell.close()
        }
        if isEmpty { emptied() }
    }
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
    public init(channel error: ChannelError) {
        switch error {
        case .staleChallenge: self.init(.busy, "The challenge was used or has expired. Ask for another.")
        case .malformed: self.init(.malformed, "These bytes are no request of this version.")
        default: self.init(.denied, "The request does not open: it was forged, repeated or meant for another place.")
        }
    }
}
