import Cryptography
import Foundation
import Vault

extension Cell {
    private static let hitLimit = 100
    private static let surroundings = 60
    private static let progressEvery = 20

    /// Looks for a text in every conversation, newest first, regardless of case and accents.
    ///
    /// Conversations are opened one after another and let go again. One that cannot be opened is passed over: reading
    /// it says why.
    func search(_ request: Requests.Search, _ reply: ReplyWriter) async throws {
        let wanted = request.text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...200).contains(wanted.count) else { throw Malformed() }
        let summaries = try await list().conversations
        var (found, skipped) = (0, 0)
        for (index, summary) in summaries.enumerated() where found < Self.hitLimit {
            if index.isMultiple(of: Self.progressEvery) {
                try await reply.send(Replies.Searched(searched: index, of: summaries.count))
            }
            guard let transcript = try? await transcript(named: summary.id) else {
                skipped += 1
                continue
            }
            for hit in hits(of: wanted, in: transcript, summary) where found < Self.hitLimit {
                try await reply.send(Replies.Hit(hit: hit))
                found += 1
            }
        }
        try await reply.finish(
            Replies.Found(found: found, skipped: skipped, complete: found < Self.hitLimit && skipped == 0))
    }

    /// An open conversation's, or a stored one's without keeping it open.
    private func transcript(named hex: String) async throws -> Transcript? {
        guard let id = ConversationID(hex: hex) else { return nil }
        if let open = conversations[id] { return open.transcript }
        guard let stored = try await around.store.conversation(id, account: account.id) else { return nil }
        return try await transcript(of: stored)
    }

    private func hits(of wanted: String, in transcript: Transcript, _ summary: Replies.Summary) -> [Replies.Hit.Body] {
        transcript.turns.compactMap { placed in
            let text = placed.turn.text
            guard let range = text.range(of: wanted, options: [.caseInsensitive, .diacriticInsensitive]) else {
                return nil
            }
            return Replies.Hit.Body(
                conversation: summary.id, title: summary.title, sequence: placed.sequence,
                role: placed.turn.role.rawValue, before: String(text[..<range.lowerBound].suffix(Self.surroundings)),
                match: String(text[range]), after: String(text[range.upperBound...].prefix(Self.surroundings)))
        }
    }
}
