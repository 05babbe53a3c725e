import Foundation

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

        init(_ end: Completion.End) {
            let done = end.done
            (prompt_tokens, completion_tokens) = (done.promptTokens, done.completionTokens)
            total_tokens = done.promptTokens + done.completionTokens
            prompt_tokens_details = Details(cached_tokens: done.reusedTokens)
            dropped_messages = end.dropped
        }
    }

    let id: String
    let object: String
    let created: Int
    let model: String
    var choices: [Choice]
    var usage: Usage?
}
