import Foundation
public import Hummingbird

extension Door {
    /// Adds OpenAI's routes, Ollama's and the tutorial's.
    public func add<Context: RequestContext>(to router: Router<Context>) {
        router.get("v1/models") { request, _ in try await answeringErrors { try await listModels(request) } }
        router.get("v1/models/:id") { request, context in
            let id = context.parameters.get("id")?.removingPercentEncoding ?? ""
            return try await answeringErrors { try await showModel(request, id) }
        }
        router.post("v1/chat/completions") { request, _ in
            try await answeringErrors { try await complete(request, isChat: true) }
        }
        router.post("v1/completions") { request, _ in
            try await answeringErrors { try await complete(request, isChat: false) }
        }
        addOllama(to: router)
        addTutorial(to: router)
    }

    private struct ModelObject: Encodable {
        let id: String
        let object = "model"
        let created = 0
        let owned_by = "cloister"
    }

    private struct ModelObjects: Encodable {
        let object = "list"
        let data: [ModelObject]
    }

    private func listModels(_ request: Request) async throws -> Response {
        let names = try await withClient(for: request) { client in try await models(client).map(\.name) }
        return try jsonResponse(ModelObjects(data: names.map { ModelObject(id: $0) }))
    }

    private func showModel(_ request: Request, _ id: String) async throws -> Response {
        let model = try await withClient(for: request) { client in try await models(client).named(id) }
        return try jsonResponse(ModelObject(id: model.name))
    }

    private func complete(_ request: Request, isChat: Bool) async throws -> Response {
        try await complete(request) { (body: CompletionRequest, models: [NamedModel]) in
            try body.validate()
            let wanted = try models.named(body.model ?? Self.standardName).name
            return CompletionOrder(
                request: try body.sealed(isChat: isChat),
                shape: CompletionShape(
                    isChat: isChat, model: models.shownName(wanted), time: clock(),
                    includesUsage: body.stream_options?.include_usage == true),
                isStreamed: body.stream == true)
        }
    }
}
