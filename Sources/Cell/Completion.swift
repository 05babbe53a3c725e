import Channel
import Foundation
import Inference
import Vault

extension Cell {
    private static let stopLimit = 8
    private static let tokenLimit = 131_072

    /// A completion for a program: nothing is stored unless it says so.
    func complete(_ request: Requests.Complete, _ reply: ReplyWriter) async throws {
        let model = try await ready(request.model, saying: reply)
        let (answerRequest, dropped) = try prepare(request, for: model)
        let lease = completionSequences.take(for: answerRequest.prompt, of: model)
        defer { completionSequences.giveBack(lease, to: model) }
        var answer = try Answer(answerRequest, model: model, sequence: lease.sequence)
        try await answer.accepted()
        try await reply.send(
            Replies.Started(
                started: .init(
                    sequence: nil, promptTokens: answerRequest.prompt.count, droppedTurns: dropped,
                    context: model.engine.contextLength)))
        while let text = await answer.next() {
            do { try await reply.send(Replies.Text(text: text)) } catch { answer.stopper() }
        }
        if request.store == true { try await store(request, answer, by: model) }
        if let failure = answer.failure { throw failure }
        try await reply.finish(
            Replies.Done(
                done: .init(
                    sequence: nil, reason: answer.end?.rawValue ?? "stop", promptTokens: answerRequest.prompt.count,
                    reusedTokens: answer.reusedTokens, completionTokens: answer.completionTokens,
                    promptNanoseconds: answer.promptNanoseconds, answerNanoseconds: answer.answerNanoseconds,
                    title: nil, model: model.description.id)))
    }

    private func prepare(_ request: Requests.Complete, for model: LoadedModel) throws -> (AnswerRequest, dropped: Int) {
        let limit = request.maxTokens ?? model.answerLimit
        guard (1...Self.tokenLimit).contains(limit), (request.stop?.count ?? 0) <= Self.stopLimit else {
            throw Malformed()
        }
        let standard = model.sampling
        let sampling = Sampling(
            temperature: request.temperature ?? standard.temperature, topK: request.topK ?? standard.topK,
            topP: request.topP ?? standard.topP, minP: request.minP ?? standard.minP,
            repetitionPenalty: request.repetitionPenalty ?? 1, seed: request.seed)
        do { try sampling.validate() } catch { throw Malformed() }
        var (prompt, dropped) = ([TokenID](), 0)
        switch (request.messages, request.prompt) {
        case (let messages?, nil):
            let chat = try messages.map { message in
                guard let role = ChatRole(rawValue: message.role) else { throw Malformed() }
                return ChatMessage(role: role, content: message.content)
            }
            guard chat.contains(where: { $0.role != .system }) else { throw Malformed() }
            let fitted = try model.format.fit(chat, with: model.tokenizer, budget: model.promptBudget(answer: limit))
            (prompt, dropped) = (fitted.tokens, fitted.droppedMessages)
        case (nil, let text?):
            prompt = model.tokenizer.encodeWithBeginning(text)
            guard !prompt.isEmpty else { throw Malformed() }
            guard prompt.count < model.engine.contextLength else {
                throw InferenceError.promptTooLong(tokens: prompt.count, limit: model.engine.contextLength - 1)
            }
        default: throw Malformed()
        }
        return (AnswerRequest(prompt: prompt, sampling: sampling, maxTokens: limit, stops: request.stop ?? []), dropped)
    }

    private func store(_ request: Requests.Complete, _ answer: Answer, by model: LoadedModel) async throws {
        let messages = request.messages ?? [.init(role: "user", content: request.prompt ?? "")]
        var turns = try messages.map { message in
            guard let role = Turn.Role(rawValue: message.role) else { throw Malformed() }
            return Turn(role: role, text: message.content, time: around.clock())
        }
        turns.append(
            Turn(
                role: .assistant, text: answer.text, time: around.clock(), stopped: answer.end == .stopped,
                model: model.description.name))
        let title = String((messages.last?.content ?? "").prefix(80))
        _ = try await create(title: title, offRecord: false, turns: turns)
    }
}
