import Channel
import Foundation
import HTTPTypes
import Hummingbird

/// The routes of the tutorial that the project started from (requirements 25–28), with an owner behind every session.
extension Door {
    private struct Problem: Encodable { let error: String }

    private struct ChatRequest: Decodable {
        let message: String?
        let session_id: String?
    }

    private struct ChatReply: Encodable {
        let response, session_id: String
        let privacy_note = "Conversation encrypted and stored locally"
    }

    private struct Turns: Decodable, Sendable {
        struct Turn: Decodable, Sendable { let role, text, time: String }
        let turns: [Turn]
    }

    private struct History: Encodable {
        struct Message: Encodable { let role, content, timestamp: String }
        let session_id: String
        let history: [Message]
        let total_messages: Int
    }

    func addTutorial<Context: RequestContext>(to router: Router<Context>) {
        router.get("health") { _, _ in try jsonResponse(await health()) }
        router.post("chat") { request, _ in try await answeringErrors { try await chat(request) } }
        router.get("history/:session") { request, context in
            let session = context.parameters.get("session")?.removingPercentEncoding ?? ""
            return try await answeringErrors { try await history(request, session) }
        }
    }

    private func chat(_ request: Request) async throws -> Response {
        try await withClient(for: request) { client in
            let body = try await decodeBody(ChatRequest.self, from: request)
            guard let message = body.message, !message.isEmpty else {
                return try jsonResponse(Problem(error: "No message provided"), status: .badRequest)
            }
            let session = body.session_id ?? "default"
            struct Reply: Decodable, Sendable { let text: String }
            let reply = try await client.ask("tutorial.chat", ["message": message, "session": session], as: Reply.self)
            return try jsonResponse(ChatReply(response: reply.text, session_id: session))
        }
    }

    private func history(_ request: Request, _ session: String) async throws -> Response {
        try await withClient(for: request) { client in
            do {
                let turns = try await client.ask("tutorial.history", ["session": session], as: Turns.self).turns
                return try jsonResponse(
                    History(
                        session_id: session,
                        history: turns.map { .init(role: $0.role, content: $0.text, timestamp: $0.time) },
                        total_messages: turns.count))
            } catch let refusal as Refusal where refusal.code == .notFound {
                return try jsonResponse(Problem(error: "Session not found"), status: .notFound)
            }
        }
    }
}
