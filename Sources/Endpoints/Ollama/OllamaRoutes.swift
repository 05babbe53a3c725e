import HTTPTypes
import Hummingbird

/// Ollama's routes, for its clients and for programs that know no other API.
extension Door {
    func addOllama<Context: RequestContext>(to router: Router<Context>) {
        // Where nothing else is at the root, as through `cloister connect`: programs look whether somebody is there.
        router.get("/") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: "Cloister is running")))
        }
        router.get("api/version") { request, _ in
            try await answer(request) { _ in try jsonResponse(["version": version]) }
        }
        router.get("api/tags") { request, _ in
            try await answer(request) { client in
                try jsonResponse(OllamaModels.List(models: try await models(client).map { .init($0) }))
            }
        }
        router.get("api/ps") { request, _ in
            try await answer(request) { client in
                let loaded = try await models(client).dropLast().filter(\.model.loaded)
                return try jsonResponse(OllamaModels.List(models: loaded.map { .loaded($0) }))
            }
        }
        router.post("api/show") { request, _ in try await answer(request) { try await show(request, $0) } }
        router.post("api/chat") { request, _ in try await complete(request, isChat: true) }
        router.post("api/generate") { request, _ in try await complete(request, isChat: false) }
        addRefused(to: router)
    }

    /// What Ollama's clients may ask and nobody gets here.
    private func addRefused<Context: RequestContext>(to router: Router<Context>) {
        let keeping = "Models are added, copied and removed with cloister models, not over HTTP."
        for name in ["pull", "push", "create", "copy"] { refuse(.post, name, .forbidden, keeping, router) }
        refuse(.delete, "delete", .forbidden, keeping, router)
        refuse(.post, "blobs/:digest", .forbidden, keeping, router)
        for name in ["embed", "embeddings"] {
            refuse(.post, name, .notImplemented, "Embeddings are not supported by this server yet.", router)
        }
    }

    private func refuse<Context: RequestContext>(
        _ method: HTTPRequest.Method, _ name: String, _ status: HTTPResponse.Status, _ reason: String,
        _ router: Router<Context>
    ) {
        router.on("api/\(name)", method: method) { request, _ in
            try await answer(request) { _ in throw APIError(status, "invalid_request_error", reason) }
        }
    }

    private func answer(_ request: Request, _ body: (KeyChannel) async throws -> Response) async throws -> Response {
        try await answeringErrors(OllamaError.response) { try await withClient(for: request, body) }
    }

    private struct ShowRequest: Decodable {
        let model: String?
        /// The older name of the same.
        let name: String?
    }

    private func show(_ request: Request, _ client: KeyChannel) async throws -> Response {
        let body = try await decodeBody(ShowRequest.self, from: request)
        let wanted = body.model ?? body.name ?? ""
        return try jsonResponse(
            OllamaModels.Shown(try await models(client).named(asOllamaDoes: wanted).model))
    }

    private func complete(_ request: Request, isChat: Bool) async throws -> Response {
        try await answeringErrors(OllamaError.response) {
            try await complete(request) { (body: OllamaRequest, models: [NamedModel]) in
                let wanted = try body.wanted(of: models)
                return CompletionOrder(
                    request: try body.sealed(isChat: isChat, for: wanted),
                    shape: OllamaShape(
                        isChat: isChat, model: models.shownName(wanted.name), clock: clock),
                    isStreamed: body.stream ?? true)
            }
        }
    }
}
