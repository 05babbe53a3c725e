import Channel
import Foundation
import Inference
import Vault

extension Cell {
    private static let textLimit = 262_144
    private static let titleWords = 8

    /// One turn: keep what the person said, answer it, keep the answer.
    ///
    /// `started` is sent when the person's turn is on disk. Whatever ends the answer – its end, a stop, a closed
    /// browser, an engine that died – what was said so far is kept,
    /// marked as stopped where it was.
    func takeTurn(_ id: ConversationID, _ request: Requests.Send, _ reply: ReplyWriter) async throws {
        guard (1...Self.textLimit).contains(request.text.utf8.count) else { throw Malformed() }
        let done = try await alone(in: id) {
            let model = try await ready(request.model, saying: reply)
            let said = try await append(
                Turn(role: .user, text: request.text, time: around.clock()), to: id, at: request.replaces)
            try await titleIfNew(id, from: request.text)
            return try await answer(id, by: model, after: said.sequence, beginning: "", reply)
        }
        try await reply.finish(done)
    }

    /// Goes on with the last answer, which was stopped or grew too long: a new version of it takes its place.
    func continueAnswer(_ id: ConversationID, _ request: Requests.Answer, _ reply: ReplyWriter) async throws {
        let done = try await alone(in: id) {
            let model = try await ready(request.model, saying: reply)
            guard let last = try await open(id).transcript.turns.last, last.turn.role == .assistant, last.sequence > 0
            else { throw Refusal(.unsupported, "There is no answer to go on with.") }
            return try await answer(id, by: model, after: last.sequence - 1, beginning: last.turn.text, reply)
        }
        try await reply.finish(done)
    }

    /// Makes the answer to the turn `after`, says it, and keeps it.
    private func answer(
        _ id: ConversationID, by model: LoadedModel, after sequence: UInt64, beginning: String, _ reply: ReplyWriter
    ) async throws -> Replies.Done {
        let prompt = try await fittedPrompt(id, through: sequence, beginning: beginning, for: model)
        try await reply.send(
            Replies.Started(
                started: .init(
                    sequence: sequence, promptTokens: prompt.tokens.count, droppedTurns: prompt.droppedMessages,
                    context: model.engine.contextLength)))
        let answer = try await self.answer(id, prompt, by: model) { try await reply.send(Replies.Text(text: $0)) }
        let placed = try await append(
            Turn(
                role: .assistant, text: beginning + answer.text, time: around.clock(), stopped: answer.end == .stopped,
                model: model.description.name), to: id, at: sequence + 1)
        if let failure = answer.failure { throw failure }
        let title = try await open(id).transcript.head.title
        return Replies.Done(
            done: .init(
                sequence: placed.sequence, reason: answer.end?.rawValue ?? "stop",
                promptTokens: prompt.tokens.count,
                reusedTokens: answer.reusedTokens, completionTokens: answer.completionTokens,
                promptNanoseconds: answer.promptNanoseconds, answerNanoseconds: answer.answerNanoseconds,
                title: title, model: model.description.id))
    }

    /// The tutorial's turn: the same, in one piece.
    func takeTutorialTurn(_ request: Requests.TutorialChat) async throws -> Replies.TutorialChat {
        guard (1...Self.textLimit).contains(request.message.utf8.count), request.session.utf8.count <= 4_096 else {
            throw Malformed()
        }
        var found = try await find(label: request.session)
        if found == nil { found = try await create(title: request.session, label: request.session, offRecord: false) }
        guard let id = found else { throw Malformed() }
        let answer = try await alone(in: id) { try await tutorialAnswer(request, in: id) }
        return Replies.TutorialChat(text: answer.text, session: request.session)
    }

    private func tutorialAnswer(_ request: Requests.TutorialChat, in id: ConversationID) async throws -> Answer {
        let model = try await ready(nil)
        let said = try await append(Turn(role: .user, text: request.message, time: around.clock()), to: id)
        let prompt = try await fittedPrompt(id, through: said.sequence, for: model)
        let answer = try await self.answer(id, prompt, by: model) { _ in }
        try await append(
            Turn(
                role: .assistant, text: answer.text, time: around.clock(), stopped: answer.end == .stopped,
                model: model.description.name), to: id)
        if let failure = answer.failure { throw failure }
        return answer
    }

    /// Has a conversation to itself; it is over before anybody is told so, because the next request may come at once.
    private func alone<R>(in id: ConversationID, _ body: () async throws -> R) async throws -> R {
        try refuseWhileRekeying()
        guard try await !open(id).isBusy else {
            throw Refusal(.busy, "An answer is still being written in this conversation.")
        }
        guard conversations[id]?.isBusy == false else {
            throw Refusal(.busy, "An answer is still being written in this conversation.")
        }
        conversations[id]?.isBusy = true
        defer {
            conversations[id]?.isBusy = false
            conversations[id]?.isStopWanted = false
            conversations[id]?.stop = nil
        }
        return try await body()
    }

    /// Waits until a model answers, and says how far its loading is.
    func ready(_ name: String?, saying reply: ReplyWriter? = nil) async throws -> LoadedModel {
        for try await event in await around.models.load(name) {
            switch event {
            case .progress(let done, let total):
                try? await reply?.send(Replies.Loading(loading: .init(done: done, total: total)))
            case .ready(let model): return model
            }
        }
        throw Refusal(.modelFailed, "The model was not loaded.")
    }

    /// The conversation through a turn, with what frames it, open for an answer that begins so.
    private func fittedPrompt(
        _ id: ConversationID, through sequence: UInt64, beginning: String = "", for model: LoadedModel
    ) async throws -> FittedPrompt {
        let transcript = try await open(id).transcript
        let system = transcript.head.manner?.systemPrompt ?? ""
        let frame = system.isEmpty ? [] : [ChatMessage(role: .system, content: system)]
        let turns = transcript.turns.filter { $0.sequence <= sequence }.map { placed in
            ChatMessage(role: ChatRole(placed.turn.role), content: placed.turn.text)
        }
        return try model.format.fit(
            frame + turns, beginning: beginning, with: model.tokenizer,
            budget: model.promptBudget(answer: model.answerLimit))
    }

    /// Makes an answer, handing its text on; a listener that is gone stops it.
    private func answer(
        _ id: ConversationID, _ prompt: FittedPrompt, by model: LoadedModel, each: (String) async throws -> Void
    ) async throws -> Answer {
        guard let sequence = conversations[id]?.sequence.id(in: model) else {
            throw Refusal(.notFound, "There is no such conversation.")
        }
        var answer = try Answer(
            AnswerRequest(
                prompt: prompt.tokens, sampling: model.sampling(conversations[id]?.transcript.head.manner),
                maxTokens: model.answerLimit, stops: []),
            model: model, sequence: sequence)
        conversations[id]?.stop = answer.stopper
        if conversations[id]?.isStopWanted == true { answer.stopper() }
        try await answer.accepted()
        while let text = await answer.next() {
            do { try await each(text) } catch { answer.stopper() }
        }
        return answer
    }

    /// A new conversation is called by its first words.
    private func titleIfNew(_ id: ConversationID, from text: String) async throws {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard try await open(id).transcript.head.title.isEmpty, !words.isEmpty else { return }
        let title = words.prefix(Self.titleWords).joined(separator: " ") + (words.count > Self.titleWords ? " …" : "")
        try await keep(in: id) { try $0.changing(title: String(title.prefix(80))) }
    }
}

extension ChatRole {
    init(_ role: Turn.Role) {
        switch role {
        case .user: self = .user
        case .assistant: self = .assistant
        case .system: self = .system
        }
    }
}

extension LoadedModel {
    /// The guide was trained to one right answer and is asked for it; other models get the usual randomness.
    var sampling: Sampling { description.guide ? .greedy : Sampling() }

    /// The usual randomness, but for what the person chose.
    func sampling(_ manner: Manner?) -> Sampling {
        var chosen = sampling
        if let temperature = manner?.temperature { chosen.temperature = temperature }
        if let topP = manner?.topP { chosen.topP = topP }
        return chosen
    }
}
