import Channel
import Cryptography
import Vault

extension Cell {
    private static let draftLimit = 64
    private static let draftBytes = 65_536

    /// Keeps what is written and not sent until it is sent or the vault is locked; an empty text forgets it.
    ///
    /// Only here: a browser would write it to its profile.
    func keepDraft(_ id: ConversationID, _ request: Requests.Draft) throws -> Replies.Changed {
        guard request.text.utf8.count <= Self.draftBytes else { throw Malformed() }
        guard drafts.count < Self.draftLimit || drafts[id] != nil || request.text.isEmpty else {
            throw Refusal(.busy, "There are drafts in \(Self.draftLimit) conversations already.")
        }
        drafts[id] = request.text.isEmpty ? nil : request.text
        return Replies.Changed()
    }
}
