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

    /// A string, or several.
    struct Strings: Decodable {
        let values: [String]
        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            values = try (try? container.decode(String.self)).map { [$0] } ?? container.decode([String].self)
        }
    }

    /// Anything, where only its presence matters.
    struct Present: Decodable {
        let isEmpty: Bool
        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            isEmpty =
                container.decodeNil() || (try? container.decode([String: Double].self))?.isEmpty == true
                || (try? decoder.unkeyedContainer().count == 0) == true || (try? container.decode(Bool.self)) == false
                || (try? container.decode(Double.self)) == 0
        }
    }

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
        let refused: [(String, Present?)] = [
            ("tools", tools), ("functions", functions), ("logit_bias", logit_bias), ("logprobs", logprobs),
            ("top_logprobs", top_logprobs), ("suffix", suffix), ("echo", echo), ("presence_penalty", presence_penalty),
            ("frequency_penalty", frequency_penalty), ("audio", audio),
        ]
        for (name, value) in refused where value?.isEmpty == false { throw APIError.unsupported(name) }
        guard (n ?? 1) == 1 else { throw APIError.unsupported("n") }
        guard (best_of ?? 1) == 1 else { throw APIError.unsupported("best_of") }
        guard (response_format?.type ?? "text") == "text" else { throw APIError.unsupported("response_format") }
        guard (prompt?.values.count ?? 1) == 1 else { throw APIError.unsupported("prompt") }
        try check("temperature", temperature, 0...2)
        try check("top_p", top_p, Double.leastNonzeroMagnitude...1)
        try check("min_p", min_p, 0...1)
        try check("top_k", top_k.map(Double.init), 0...1_000_000)
        try check("max_tokens", limit.map(Double.init), 1...131_072)
        guard (stop?.values.count ?? 0) <= 8 else {
            throw APIError.invalid("At most 8 stop strings are taken.", param: "stop")
        }
    }

    /// The newer name wins.
    var limit: Int? { max_completion_tokens ?? max_tokens }

    private func check(_ name: String, _ value: Double?, _ range: ClosedRange<Double>) throws {
        if let value, !range.contains(value) { throw APIError.invalid("\(name) is out of range.", param: name) }
    }

    /// The same request as the cell takes it (`docs/formats/actions.md`).
    struct Sealed: Encodable, Sendable {
        struct Message: Encodable, Sendable { let role, content: String }
        let model: String
        let messages: [Message]?
        let prompt: String?
        let maxTokens: Int?
        let temperature, topP, minP: Double?
        let topK: Int?
        let seed: UInt64?
        let stop: [String]?
        let store: Bool
    }

    /// - Parameter isChat: whether messages or a prompt are meant.
    func sealed(isChat: Bool) throws -> Sealed {
        if isChat {
            guard let messages, messages.contains(where: { $0.role != "system" }) else {
                throw APIError.invalid("messages must hold at least one message.", param: "messages")
            }
        } else {
            guard let text = prompt?.values.first, !text.isEmpty else {
                throw APIError.invalid("prompt must not be empty.", param: "prompt")
            }
        }
        return Sealed(
            model: model ?? "default",
            messages: isChat ? messages?.map { .init(role: $0.role, content: $0.content) } : nil,
            prompt: isChat ? nil : prompt?.values.first, maxTokens: limit ?? (isChat ? nil : 16),
            temperature: temperature, topP: top_p,
            minP: min_p, topK: top_k, seed: seed.map(UInt64.init(bitPattern:)), stop: stop?.values,
            store: store ?? false)
    }
}
