import Channel
import Cryptography
import Foundation
import Vault

/// One open channel.
enum SessionKind: Sendable {}
/// Names a session; it opens nothing.
typealias SessionID = Identifier<SessionKind>

extension CellHost {
    /// Answers what only the host of all cells knows: which sessions of the account are open.
    /// - Returns: whether the request was one of these.
    func serveSessions(_ place: Place, _ content: [UInt8], _ route: Route, _ reply: ReplyWriter) async -> Bool {
        guard let own = channels[route], let action = SessionAction(rawValue: place.action) else { return false }
        do {
            guard own.cell.isOwners else { throw Refusal(.denied, "An API key may not do this.") }
            _ = try Requests.Empty(decoding: content)
            switch action {
            case .list:
                let others = await neighbours.sessions(besides: own.name)
                let all = (sessions(of: own) + others).sorted { $0.lastUse > $1.lastUse }
                try await reply.finish(Replies.Sessions(sessions: all))
            case .close:
                let wanted: SessionID = place.object.retagged()
                let isHere = sessionsOfAccount(own).contains { $0.value.id == wanted }
                // Who closes the own session still reads this reply.
                if isHere, wanted != own.id { _ = await closeSession(wanted.hex) }
                defer { if wanted == own.id { close { $0 === own } } }
                if !isHere, await !neighbours.closeSession(wanted.hex, besides: own.name) {
                    throw Refusal(.notFound, "There is no such session.")
                }
                try await reply.finish(Replies.Closed())
            }
        } catch is CancellationError {
            // Nobody listens any more.
        } catch {
            try? await reply.finish(RefusalEnvelope(Refusal(translating: error)))
        }
        return true
    }

    private enum SessionAction: String {
        case list = "sessions"
        case close = "sessions.close"
    }

    private func sessionsOfAccount(_ own: OpenChannel) -> [Route: OpenChannel] {
        channels.filter { $0.value.name.account == own.name.account }
    }

    private func sessions(of own: OpenChannel) -> [SessionDescription] {
        sessionsOfAccount(own).values.map { $0.described(own: $0 === own) }
    }

    /// The open channels, for the owner who looks from another process.
    public func sessions() -> [SessionDescription] { channels.values.map { $0.described(own: false) } }

    /// Closes a channel by its name in the list; whether there was one.
    public func closeSession(_ id: String) async -> Bool {
        guard channels.contains(where: { $0.value.id.hex == id }) else { return false }
        close { $0.id.hex == id }
        await closeUnusedCells(keeping: false)
        return true
    }
}

extension CellHost.OpenChannel {
    fileprivate func described(own: Bool) -> SessionDescription {
        SessionDescription(
            id: id.hex, opened: opened, lastUse: lastUse, scope: cell.isOwners ? "owner" : "key", own: own)
    }
}
