import Foundation

/// The pieces that the cell sends (`docs/formats/actions.md`, streams).
struct StreamPiece: Decodable, Sendable {
    struct Started: Decodable, Sendable { let promptTokens, droppedTurns: Int }
    struct Done: Decodable, Sendable {
        let reason: String
        let promptTokens, reusedTokens, completionTokens: Int
    }
    let started: Started?
    let text: String?
    let done: Done?
}

/// The objects that `/v1/chat/completions` and `/v1/completions` answer with.
struct CompletionReply: Encodable {
    struct Choice: Encodable {
        struct Message: Encodable {
            var role: String?
            var content: String?
        }
        let index = 0
        var message: Message?
        var delta: Message?
        var text: String?
        var finish_reason: String?

        enum CodingKeys: CodingKey { case index, message, delta, text, logprobs, finish_reason }

        /// `finish_reason` and `logprobs` are there even when they are null.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(index, forKey: .index)
            try container.encodeIfPresent(message, forKey: .message)
            try container.encodeIfPresent(delta, forKey: .delta)
            try container.encodeIfPresent(text, forKey: .text)
            try container.encodeNil(forKey: .logprobs)
            try container.encode(finish_reason, forKey: .finish_reason)
        }
    }

    struct Usage: Encodable {
        struct Details: Encodable { let cached_tokens: Int }
        let prompt_tokens, completion_tokens, total_tokens: Int
        let prompt_tokens_details: Details
        /// Messages that the model did not see because they no longer fitted.
        let dropped_messages: Int

        init(_ done: StreamPiece.Done, dropped: Int) {
            (prompt_tokens, completion_tokens) = (done.promptTokens, done.completionTokens)
            total_tokens = done.promptTokens + done.completionTokens
            prompt_tokens_details = Details(cached_tokens: done.reusedTokens)
            dropped_messages = dropped
        }
    }

    let id: String
    let object: String
    let created: Int
    let model: String
    var choices: [Choice]
    var usage: Usage?
}

/// Makes the objects of one completion, all with the same id, time and model.
struct CompletionShape: Sendable {
    let isChat: Bool
    let id: String
    let created: Int
    let model: String

    init(isChat: Bool, model: String, time: Date) {
        self.isChat = isChat
        self.model = model
        id = (isChat ? "chatcmpl-" : "cmpl-") + UUID().uuidString.lowercased().replacing("-", with: "")
        created = Int(time.timeIntervalSince1970)
    }

    func whole(_ text: String, _ reason: String, _ usage: CompletionReply.Usage) -> CompletionReply {
        let choice =
            isChat
            ? CompletionReply.Choice(message: .init(role: "assistant", content: text), finish_reason: reason)
            : CompletionReply.Choice(text: text, finish_reason: reason)
        return reply(isChat ? "chat.completion" : "text_completion", [choice], usage)
    }

    func chunk(role: String? = nil, text: String? = nil, reason: String? = nil) -> CompletionReply {
        let choice =
            isChat
            ? CompletionReply.Choice(delta: .init(role: role, content: text), finish_reason: reason)
            : CompletionReply.Choice(text: text ?? "", finish_reason: reason)
        return reply(isChat ? "chat.completion.chunk" : "text_completion", [choice], nil)
    }

    func usageChunk(_ usage: CompletionReply.Usage) -> CompletionReply {
        reply(isChat ? "chat.completion.chunk" : "text_completion", [], usage)
    }

    private func reply(_ object: String, _ choices: [CompletionReply.Choice], _ usage: CompletionReply.Usage?)
        -> CompletionReply
    {
        CompletionReply(id: id, object: object, created: created, model: model, choices: choices, usage: usage)
    }
}
