import Foundation
import Hummingbird

/// OpenAI's way to write a completion: objects that all have the same id, time and model; streamed, as server-sent
/// events that end with `[DONE]`.
struct CompletionShape: AnswerShape {
    let streamType = "text/event-stream"
    private let isChat, includesUsage: Bool
    private let id: String
    private let created: Int
    private let model: String

    /// - Parameter includesUsage: whether a stream ends with the counts.
    init(isChat: Bool, model: String, time: Date, includesUsage: Bool) {
        (self.isChat, self.model, self.includesUsage) = (isChat, model, includesUsage)
        id = (isChat ? "chatcmpl-" : "cmpl-") + UUID().uuidString.lowercased().replacing("-", with: "")
        created = Int(time.timeIntervalSince1970)
    }

    func whole(_ text: String, _ end: Completion.End) throws -> Response {
        let choice =
            isChat
            ? CompletionReply.Choice(message: .init(role: "assistant", content: text), finish_reason: end.reason)
            : CompletionReply.Choice(text: text, finish_reason: end.reason)
        return try jsonResponse(reply(isChat ? "chat.completion" : "text_completion", [choice], .init(end)))
    }

    func opening() throws -> ByteBuffer? { isChat ? try event(chunk(role: "assistant", text: "")) : nil }

    func piece(_ text: String) throws -> ByteBuffer { try event(chunk(text: text)) }

    func ending(_ end: Completion.End) throws -> ByteBuffer {
        var events = try event(chunk(reason: end.reason))
        if includesUsage { events.writeImmutableBuffer(try event(reply(chunkName, [], .init(end)))) }
        events.writeString("data: [DONE]\n\n")
        return events
    }

    func failure(_ error: APIError) throws -> ByteBuffer { try event(error) }

    private func chunk(role: String? = nil, text: String? = nil, reason: String? = nil) -> CompletionReply {
        let choice =
            isChat
            ? CompletionReply.Choice(delta: .init(role: role, content: text), finish_reason: reason)
            : CompletionReply.Choice(text: text ?? "", finish_reason: reason)
        return reply(chunkName, [choice], nil)
    }

    private var chunkName: String { isChat ? "chat.completion.chunk" : "text_completion" }

    private func reply(_ object: String, _ choices: [CompletionReply.Choice], _ usage: CompletionReply.Usage?)
        -> CompletionReply
    {
        CompletionReply(id: id, object: object, created: created, model: model, choices: choices, usage: usage)
    }

    private func event(_ value: some Encodable) throws -> ByteBuffer {
        var event = ByteBuffer(string: "data: ")
        event.writeImmutableBuffer(try jsonBuffer(value))
        event.writeString("\n\n")
        return event
    }
}
