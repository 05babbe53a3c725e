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
    /// browser – what was said so far is kept,
    /// marked as stopped where it was.
    func takeTurn(_ id: ConversationID, _ request: Requests.Send, _ reply: ReplyWriter) async throws {
        guard (1...Self.textLimit).contains(request.text.utf8.count) else { throw Malformed() }
        try await begin(id)
        defer { end(id) }
        let model = try await ready(request.model) { try? await reply.send($0) }
        let said = try await append(
            Turn(role: .user, text: request.text, time: around.clock()), to: id, at: request.replaces)
        let prompt = try await fittedPrompt(id, for: model)
        try await reply.send(
            Replies.Started(
                started: .init(
                    sequence: said.sequence, promptTokens: prompt.tokens.count, droppedTurns: prompt.droppedMessages)))
        let answer = try await self.answer(id, prompt, by: model) { try await reply.send(Replies.Text(text: $0)) }
        let placed = try await append(
            Turn(
                role: .assistant, text: answer.text, time: around.clock(), stopped: answer.end == .stopped,
                model: model.description.name), to: id)
        let title = try await titleIfNew(id, from: request.text)
        try await reply.finish(
            Replies.Done(
                done: .init(
                    sequence: placed.sequence, reason: answer.end?.rawValue ?? "stop",
                    promptTokens: prompt.tokens.count,
                    reusedTokens: answer.reusedTokens, completionTokens: answer.completionTokens, title: title,
                    model: model.description.id)))
    }

    /// The tutorial's turn: the same, in one piece.
    func takeTutorialTurn(_ request: Requests.TutorialChat) async throws -> Replies.TutorialChat {
        guard (1...Self.textLimit).contains(request.message.utf8.count), request.session.utf8.count <= 4_096 else {
            throw Malformed()
        }
        var found = try await find(label: request.session)
        if found == nil { found = try await create(title: request.session, label: request.session, offRecord: false) }
        guard let id = found else { throw Malformed() }
        try await begin(id)
        defer { end(id) }
        let model = try await ready(nil) { _ in }
        try await append(Turn(role: .user, text: request.message, time: around.clock()), to: id)
        let answer = try await self.answer(id, try await fittedPrompt(id, for: model), by: model) { _ in }
        try await append(
            Turn(
                role: .assistant, text: answer.text, time: around.clock(), stopped: answer.end == .stopped,
                model: model.description.name), to: id)
        return Replies.TutorialChat(text: answer.text, session: request.session)
    }

    private func begin(_ id: ConversationID) async throws {
        guard try await !open(id).isBusy else {
            throw Refusal(.busy, "An answer is still being written in this conversation.")
        }
        guard conversations[id]?.isBusy == false else {
            throw Refusal(.busy, "An answer is still being written in this conversation.")
        }
        conversations[id]?.isBusy = true
    }

    private func end(_ id: ConversationID) {
        conversations[id]?.isBusy = false
        conversations[id]?.stop = nil
    }

    /// Waits until a model answers, and says how far its loading is.
    func ready(_ name: String?, each: (Replies.Loading) async -> Void) async throws -> LoadedModel {
        for try await event in await around.models.load(name) {
            switch event {
            case .progress(let done, let total): await each(.init(loading: .init(done: done, total: total)))
            case .ready(let model): return model
            }
        }
        throw Refusal(.modelFailed, "The model was not loaded.")
    }

    private func fittedPrompt(_ id: ConversationID, for model: LoadedModel) async throws -> FittedPrompt {
        let messages = try await open(id).transcript.turns.map { placed in
            ChatMessage(role: ChatRole(placed.turn.role), content: placed.turn.text)
        }
        return try model.format.fit(
            messages, with: model.tokenizer, budget: model.promptBudget(answer: model.answerLimit))
    }

    /// Makes an answer, handing its text on; a listener that is gone stops it.
    private func answer(
        _ id: ConversationID, _ prompt: FittedPrompt, by model: LoadedModel, each: (String) async throws -> Void
    ) async throws -> Answer {
        guard let sequence = conversations[id]?.sequence.id(in: model) else {
            throw Refusal(.notFound, "There is no such conversation.")
        }
        var answer = try Answer(
            AnswerRequest(prompt: prompt.tokens, sampling: model.sampling, maxTokens: model.answerLimit, stops: []),
            model: model, sequence: sequence)
        conversations[id]?.stop = answer.stopper
        while let text = await answer.next() {
            do { try await each(text) } catch { answer.stopper() }
        }
        return answer
    }

    /// A new conversation is called by its first words.
    private func titleIfNew(_ id: ConversationID, from text: String) async throws -> String {
        let transcript = try await open(id).transcript
        guard transcript.head.title.isEmpty else { return transcript.head.title }
        let words = text.split(whereSeparator: \.isWhitespace)
        let title = words.prefix(Self.titleWords).joined(separator: " ") + (words.count > Self.titleWords ? " …" : "")
        return try await rename(id, to: String(title.prefix(80))).title
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
}
