import Hummingbird

/// An error in Ollama's shape: `{"error": "…"}`.
struct OllamaError: Encodable {
    let error: String

    init(_ error: APIError) {
        // Ollama itself wants no key: its clients have to be told how to send one.
        let isAboutKey = error.error.code == APIError.missingKey.error.code
        var message = error.error.message
        if isAboutKey { message += Self.howToSendIt }
        // There is one sentence for everything: it names the field.
        if let field = error.error.param, !message.contains(field) { message += " (\(field))" }
        self.error = message
    }

    private static let howToSendIt =
        " Ollama's clients send it if OLLAMA_API_KEY has it, or with headers={\"Authorization\": \"Bearer cloister_…\"}."

    /// The response to a request that failed.
    static func response(_ error: APIError) throws -> Response {
        try error.response(OllamaError(error))
    }
}
