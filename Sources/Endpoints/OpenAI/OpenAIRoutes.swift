import Channel
import Foundation
import HTTPTypes
public import Hummingbird

extension Door {
    /// Adds OpenAI's routes and the tutorial's.
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
        let names = try await withClient(for: request) { client in try await modelNames(client) }
        return try jsonResponse(ModelObjects(data: names.map { ModelObject(id: $0) }))
    }

    private func showModel(_ request: Request, _ id: String) async throws -> Response {
        let names = try await withClient(for: request) { client in try await modelNames(client) }
        guard names.contains(id) else { throw APIError.noSuchModel }
        return try jsonResponse(ModelObject(id: id))
    }

    private func complete(_ request: Request, isChat: Bool) async throws -> Response {
        let client = try await client(for: request)
        do {
            let body = try await decodeBody(CompletionRequest.self, from: request)
            try body.validate()
            let names = try await modelNames(client)
            let wanted = body.model ?? "default"
            guard names.contains(wanted) else { throw APIError.noSuchModel }
            let reply = try await client.ask("complete", try JSONEncoder().encode(try body.sealed(isChat: isChat)))
            let shape = CompletionShape(isChat: isChat, model: wanted == "default" ? names[0] : wanted, time: clock())
            let dropped = try await Self.begun(reply).droppedTurns
            let answer = CompletionStream(shape: shape, reply: reply, client: client, dropped: dropped)
            guard body.stream == true else {
                let whole = try await answer.whole()
                await client.finish()
                return try jsonResponse(whole)
            }
            return answer.response(includingUsage: body.stream_options?.include_usage == true)
        } catch let error as APIError {
            await client.finish()
            throw error
        } catch {
            await client.close()
            throw error
        }
    }
}

extension Door {
    /// Waits until the answer begins; a model may have to be loaded first.
    fileprivate static func begun(_ reply: OpenedReply) async throws -> StreamPiece.Started {
        while let piece = try await reply.next() {
            if let started = try JSONDecoder().decode(StreamPiece.self, from: piece).started { return started }
        }
        throw ChannelError.truncated
    }
}

/// One completion on its way from the cell to the caller.
struct CompletionStream: Sendable {
    let shape: CompletionShape
    let reply: OpenedReply
    let client: KeyChannel
    let dropped: Int

    /// Collects the answer.
    func whole() async throws -> CompletionReply {
        var text = ""
        while let data = try await reply.next() {
            let piece = try JSONDecoder().decode(StreamPiece.self, from: data)
            text += piece.text ?? ""
            if let done = piece.done { return shape.whole(text, Self.reason(done), .init(done, dropped: dropped)) }
        }
        throw ChannelError.truncated
    }

    /// Passes the answer on piece by piece, as server-sent events that end with `[DONE]`.
    func response(includingUsage: Bool) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/event-stream"],
            body: ResponseBody { writer in
                do {
                    if shape.isChat { try await writer.write(event(shape.chunk(role: "assistant", text: ""))) }
                    while let data = try await reply.next() {
                        let piece = try JSONDecoder().decode(StreamPiece.self, from: data)
                        if let text = piece.text { try await writer.write(event(shape.chunk(text: text))) }
                        guard let done = piece.done else { continue }
                        try await writer.write(event(shape.chunk(reason: Self.reason(done))))
                        if includingUsage {
                            try await writer.write(event(shape.usageChunk(.init(done, dropped: dropped))))
                        }
                    }
                    await client.finish()
                    try await writer.write(ByteBuffer(string: "data: [DONE]\n\n"))
                } catch let refusal as Refusal {
                    await client.close()
                    try await writer.write(event(APIError(refusal)))
                } catch {
                    await client.close()
                    throw error
                }
                try await writer.finish(nil)
            })
    }

    private func event(_ value: some Encodable) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return ByteBuffer(string: "data: \(String(decoding: try encoder.encode(value), as: UTF8.self))\n\n")
    }

    private static func reason(_ done: StreamPiece.Done) -> String { done.reason == "length" ? "length" : "stop" }
}
