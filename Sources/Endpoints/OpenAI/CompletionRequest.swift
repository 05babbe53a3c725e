import Foundation

/// What `POST /v1/chat/completions` and `POST /v1/completions` take.
///
/// Unknown fields are ignored, as clients expect; known ones that would change the answer and are not supported are
/// refused by name.
struct CompletionRequest: Decodable {
    struct Message: Decodable {
        let role: String
        let content: String

        private enum CodingKeys: CodingKey { case role, content }
        private struct Part: Decodable {
            let type: String
            let text: String?
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            let role = try container.decode(String.self, forKey: .role)
            // OpenAI renamed `system` to `developer`; the meaning is the same.
            self.role = role == "developer" ? "system" : role
            guard ["system", "user", "assistant"].contains(self.role) else {
                throw APIError.unsupported("messages.role")
            }
            if let text = try? container.decode(String.self, forKey: .content) {
                content = text
            } else {
                let parts = try container.decode([Part].self, forKey: .content)
                content = try parts.map { part in
                    guard part.type == "text", let text = part.text else {
                        throw APIError.unsupported("messages.content.type")
                    }
                    return text
                }.joined(separator: "\n")
            }
        }
    }

    struct StreamOptions: Decodable { let include_usage: Bool? }

    struct ResponseFormat: Decodable { let type: String }

    let model: String?
    let messages: [Message]?
    let prompt: Strings?
    let stream: Bool?
    let stream_options: StreamOptions?
    let max_tokens: Int?
    let max_completion_tokens: Int?
    let temperature: Double?
    let top_p: Double?
    let top_k: Int?
    let min_p: Double?
    let seed: Int64?
    let stop: Strings?
    let store: Bool?
    let n: Int?
    let best_of: Int?
    let response_format: ResponseFormat?
    let tools, functions, logit_bias, logprobs, top_logprobs, suffix, echo, presence_penalty, frequency_penalty,
        audio: Present?

    /// - Throws: `APIError` naming the first field that cannot be honoured.
    func validate() throws {
        try Present.refuse([
            "tools": tools, "functions": functions, "logit_bias": logit_bias, "logprobs": logprobs,
            "top_logprobs": top_logprobs, "suffix": suffix, "echo": echo, "presence_penalty": presence_penalty,
            "frequency_penalty": frequency_penalty, "audio": audio,
        ])
        guard (n ?? 1) == 1 else { throw APIError.unsupported("n") }
        guard (best_of ?? 1) == 1 else { throw APIError.unsupported("best_of") }
        guard (response_format?.type ?? "text") == "text" else { throw APIError.unsupported("response_format") }
        guard (prompt?.values.count ?? 1) == 1 else { throw APIError.unsupported("prompt") }
    }

    /// The newer name wins.
    var limit: Int? { max_completion_tokens ?? max_tokens }

    /// The same request as the cell takes it.
    /// - Parameter isChat: whether messages or a prompt are meant.
    /// - Throws: `APIError` naming what is missing or out of range.
    func sealed(isChat: Bool) throws -> CompletionOrder.Request {
        if isChat {
            guard let messages, messages.contains(where: { $0.role != "system" }) else {
                throw APIError.invalid("messages must hold at least one message.", param: "messages")
            }
        } else {
            guard let text = prompt?.values.first, !text.isEmpty else {
                throw APIError.invalid("prompt must not be empty.", param: "prompt")
            }
        }
        let request = CompletionOrder.Request(
            model: model ?? Door.standardName,
            messages: isChat ? messages?.map { .init(role: $0.role, content: $0.content) } : nil,
            prompt: isChat ? nil : prompt?.values.first, maxTokens: limit ?? (isChat ? nil : 16),
            temperature: temperature, topP: top_p, minP: min_p, topK: top_k,
            seed: seed.map(UInt64.init(bitPattern:)), stop: stop?.values, store: store ?? false)
        try request.validate(limit: "max_tokens", penalty: "repetition_penalty")
        return request
    }
}
