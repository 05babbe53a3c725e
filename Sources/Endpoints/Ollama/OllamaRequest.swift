import Foundation

/// What `POST /api/chat` and `POST /api/generate` take.
///
/// Unknown fields are ignored, as clients expect; known ones that would change the answer and are not supported are
/// refused by name. `keep_alive` is ignored: the server decides how long a model stays in memory.
struct OllamaRequest: Decodable {
    struct Message: Decodable {
        let role: String
        let content: String?
        let images, tool_calls, thinking: Present?
    }

    let model: String?
    let stream: Bool?
    let options: OllamaOptions?
    let messages: [Message]?
    let prompt, system: String?
    let truncate: Bool?
    let images, tools, format, think, logprobs, top_logprobs, raw, template, suffix, context, width, height,
        steps: Present?

    /// The model that is meant.
    /// - Throws: `APIError` if there is no such one here.
    func wanted(of models: [NamedModel]) throws -> NamedModel {
        guard let model, !model.isEmpty else { throw APIError.invalid("model is missing.", param: "model") }
        return try models.named(asOllamaDoes: model)
    }

    /// The same request as the cell takes it.
    /// - Parameter isChat: whether messages or a prompt are meant.
    /// - Throws: `APIError` naming the first field that cannot be honoured.
    func sealed(isChat: Bool, for wanted: NamedModel) throws -> CompletionOrder.Request {
        try Present.refuse([
            "images": images, "tools": tools, "format": format, "think": think, "logprobs": logprobs,
            "top_logprobs": top_logprobs, "raw": raw, "template": template, "suffix": suffix, "context": context,
            "width": width, "height": height, "steps": steps,
        ])
        guard truncate != false else { throw APIError.unsupported("truncate: false") }
        var request = CompletionOrder.Request(
            model: wanted.name, messages: isChat ? try chatMessages() : try promptMessages())
        try options?.apply(to: &request, context: wanted.model.context)
        return request
    }

    private func chatMessages() throws -> [CompletionOrder.Request.Message] {
        let messages = try (messages ?? []).map { message in
            try Present.refuse([
                "messages.images": message.images, "messages.tool_calls": message.tool_calls,
                "messages.thinking": message.thinking,
            ])
            guard ["system", "user", "assistant"].contains(message.role) else {
                throw APIError.unsupported("messages.role (other than system, user, assistant)")
            }
            return CompletionOrder.Request.Message(role: message.role, content: message.content ?? "")
        }
        guard messages.contains(where: { $0.role != "system" }) else { throw Self.nothing("messages") }
        return messages
    }

    /// A prompt is what a person says: it goes through the model's chat format, as Ollama's templates do.
    private func promptMessages() throws -> [CompletionOrder.Request.Message] {
        guard let prompt, !prompt.isEmpty else { throw Self.nothing("prompt") }
        let first = (system ?? "").isEmpty ? [] : [system ?? ""]
        return first.map { .init(role: "system", content: $0) } + [.init(role: "user", content: prompt)]
    }

    private static func nothing(_ field: String) -> APIError {
        .invalid(
            "\(field) must not be empty. Loading or unloading a model this way is not supported: "
                + "it is loaded when it is first asked.", param: field)
    }
}

extension [NamedModel] {
    /// Ollama's clients say `name` and `name:latest` for the same model.
    /// - Throws: `APIError` if there is no such model.
    func named(asOllamaDoes wanted: String) throws -> NamedModel {
        let other = wanted.hasSuffix(":latest") ? String(wanted.dropLast(7)) : wanted + ":latest"
        guard let found = first(where: { $0.name == wanted }) ?? first(where: { $0.name == other }) else {
            throw APIError.noSuchModel("/api/tags")
        }
        return found
    }
}
