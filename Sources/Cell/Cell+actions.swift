import Channel
import Cryptography
import Foundation
import Inference
import Vault

/// Every action of `docs/formats/actions.md`.
enum Action: String {
    case list = "conversations"
    case create = "conversations.create"
    case read = "conversations.read"
    case change = "conversations.change"
    case search = "conversations.search"
    case delete = "conversations.delete"
    case send = "conversations.send"
    case continueAnswer = "conversations.continue"
    case stop = "conversations.stop"
    case importConversation = "conversations.import"
    case drafts
    case keepDraft = "drafts.keep"
    case settings
    case keys
    case createKey = "keys.create"
    case revokeKey = "keys.revoke"
    case changePassphrase = "passphrase.change"
    case renewRecovery = "recovery.renew"
    case rekey
    case stored
    case evidence
    case tamper = "evidence.tamper"
    case breakOut = "evidence.breakout"
    case lock
    case close
    case models
    case loadModel = "models.load"
    case complete
    case tutorialChat = "tutorial.chat"
    case tutorialHistory = "tutorial.history"

    /// Whether an API key's channel may ask for it too.
    var isForKeys: Bool {
        switch self {
        case .close, .models, .complete, .tutorialChat, .tutorialHistory: true
        default: false
        }
    }
}

extension Cell {
    /// Does one action and sends its reply; what goes wrong is sent as the final piece.
    /// - Returns: whether it was done.
    func serve(_ place: Place, _ content: [UInt8], _ reply: ReplyWriter) async -> Bool {
        do {
            guard let action = Action(rawValue: place.action) else { throw Malformed() }
            guard isOwners || action.isForKeys else { throw Refusal(.denied, "An API key may not do this.") }
            try await perform(action, ConversationID(place), content, reply)
            return true
        } catch is CancellationError {
            return false  // Nobody listens any more.
        } catch {
            try? await reply.finish(RefusalEnvelope(Refusal(translating: error)))
            return false
        }
    }

    private func perform(
        _ action: Action, _ object: ConversationID, _ content: [UInt8], _ reply: ReplyWriter
    ) async throws {
        switch action {
        case .send: try await takeTurn(object, Requests.Send(decoding: content), reply)
        case .complete: try await complete(Requests.Complete(decoding: content), reply)
        case .create:
            let request = try Requests.Create(decoding: content)
            let id = try await create(offRecord: request.offRecord)
            try await reply.finish(Replies.Created(id: id.hex, kept: !request.offRecord))
        case .continueAnswer: try await continueAnswer(object, Requests.Answer(decoding: content), reply)
        case .search: try await search(Requests.Search(decoding: content), reply)
        case .loadModel:
            let model = try await ready(Requests.Answer(decoding: content).model, saying: reply)
            try await reply.finish(Replies.Ready(ready: model.description.id))
        case .change:
            try await change(object, Requests.Change(decoding: content))
            try await reply.finish(Replies.Changed())
        case .importConversation:
            try await reply.finish(try await importConversation(Requests.Import(decoding: content)))
        case .settings:
            try await changingAccount { try await reply.finish(settings(Requests.Settings(decoding: content))) }
        case .createKey:
            try await changingAccount { try await reply.finish(createKey(Requests.CreateKey(decoding: content))) }
        case .changePassphrase:
            try await changingAccount { try await changePassphrase(Requests.ChangePassphrase(decoding: content)) }
            try await reply.finish(Replies.Changed())
        case .renewRecovery:
            try await changingAccount {
                try await reply.finish(renewRecovery(Requests.RenewRecovery(decoding: content)))
            }
        case .rekey: try await changingAccount { try await rekey(Requests.Rekey(decoding: content), reply) }
        case .keepDraft: try await reply.finish(try keepDraft(object, Requests.Draft(decoding: content)))
        case .tutorialChat: try await reply.finish(try await takeTutorialTurn(Requests.TutorialChat(decoding: content)))
        case .tutorialHistory: try await reply.finish(try await history(Requests.TutorialHistory(decoding: content)))
        default:
            _ = try Requests.Empty(decoding: content)
            try await performWithoutContent(action, object, reply)
        }
    }

    private func performWithoutContent(_ action: Action, _ object: ConversationID, _ reply: ReplyWriter) async throws {
        switch action {
        case .list: try await reply.finish(try await list())
        case .read: try await reply.finish(try await read(object))
        case .delete: try await reply.finish(try await delete(object))
        case .stop: try await reply.finish(stop(object))
        case .keys: try await reply.finish(try await keys())
        case .revokeKey:
            try await changingAccount { try await revokeKey(object.retagged()) }
            try await reply.finish(Replies.Revoked())
        case .drafts:
            try await reply.finish(
                Replies.Drafts(drafts: Dictionary(uniqueKeysWithValues: drafts.map { ($0.key.hex, $0.value) })))
        case .stored: try await reply.finish(try await stored())
        case .evidence: try await reply.finish(try await evidence())
        case .tamper: try await reply.finish(try await tamper())
        case .breakOut: try await reply.finish(Replies.BreakOut(confined: try await around.neighbours.breakOut()))
        case .models: try await reply.finish(Replies.Models(models: await around.models.models()))
        case .lock: try await reply.finish(Replies.Locked())
        default: try await reply.finish(Replies.Closed())
        }
    }

    private func history(_ request: Requests.TutorialHistory) async throws -> Replies.TutorialHistory {
        guard let id = try await find(label: request.session) else { throw Refusal(.notFound, "Session not found") }
        return Replies.TutorialHistory(
            session: request.session, turns: try await open(id).transcript.turns.map(Replies.Turn.init))
    }
}

extension ConversationID {
    init(_ place: Place) { self = place.object.retagged() }
}

extension Refusal {
    /// The one place where errors of the parts become words for a client.
    init(translating error: any Error) {
        switch error {
        case let refusal as Refusal: self = refusal
        case is Malformed: self.init(.malformed, "The request is not one that this version understands.")
        case VaultError.wrongCredential: self.init(.notFound, "There is no such key.")
        case VaultError.tampered:
            self.init(
                .tampered,
                "What is stored here is not what was written: it was changed, dropped or swapped. Nothing of it is shown."
            )
        case VaultError.tooLarge: self.init(.malformed, "That is more than fits.")
        case InferenceError.promptTooLong(let tokens, let limit):
            self.init(.promptTooLong, "The message is too long for this model: \(tokens) tokens, and \(limit) fit.")
        case InferenceError.tooMany(let isOwn, let seconds):
            self.init(
                isOwn ? .busy : .overloaded,
                isOwn
                    ? "Too many of your answers are being made or wait. Try again in \(seconds) s, or when one is there."
                    : "Too many people are waiting for an answer. Try again in \(seconds) s.", retryAfter: seconds)
        case let error as InferenceError: self.init(.modelFailed, "The model could not answer: \(error.description).")
        default: self.init(.internal, "Something went wrong inside Cloister. Nothing was lost that was acknowledged.")
        }
    }
}
