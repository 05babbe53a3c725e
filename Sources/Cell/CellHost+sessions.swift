import Channel
import Cryptography
import Foundation
import Vault

/// One open channel, in the list that its owner sees.
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
            case .list: try await reply.finish(Replies.Sessions(sessions: sessions(of: own)))
            case .close:
                let wanted: SessionID = place.object.retagged()
                guard let found = sessionsOfAccount(own).first(where: { $0.value.id == wanted }) else {
                    throw Refusal(.notFound, "There is no such session.")
                }
                channels[found.key] = nil
                // Who closes the own session still reads this reply.
                if found.value !== own { found.value.endReplies() }
                defer { found.value.endReplies() }
                await closeUnusedCells(keeping: false)
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

    private func sessions(of own: OpenChannel) -> [Replies.Sessions.Session] {
        sessionsOfAccount(own).values.sorted { $0.lastUse > $1.lastUse }.map {
            .init(
                id: $0.id.hex, opened: $0.opened, lastUse: $0.lastUse, scope: $0.cell.isOwners ? "owner" : "key",
                own: $0 === own)
        }
    }
}
