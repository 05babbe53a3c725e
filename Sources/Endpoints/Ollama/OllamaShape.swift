import Foundation
import Hummingbird

/// Ollama's way to write a completion: one object, or streamed as one on each line, the last with the counts.
struct OllamaShape: AnswerShape {
    private struct Line: Encodable {
        struct Message: Encodable {
            let role = "assistant"
            let content: String
        }
        let model: String
        let created_at: String
        var message: Message?
        var response: String?
        var done = false
        var done_reason: String?
        var total_duration, load_duration, prompt_eval_count, prompt_eval_duration, eval_count, eval_duration: Int?
        /// Ours: messages that the model did not see because they no longer fitted.
        var dropped_messages: Int?
    }

    let isChat: Bool
    let model: String
    let clock: @Sendable () -> Date

    let streamType = "application/x-ndjson"

    func opening() -> ByteBuffer? { nil }
    func piece(_ text: String) throws -> ByteBuffer { try onALine(line(text)) }
    func ending(_ end: Completion.End) throws -> ByteBuffer { try onALine(last("", end)) }
    func failure(_ error: APIError) throws -> ByteBuffer { try onALine(OllamaError(error)) }
    func whole(_ text: String, _ end: Completion.End) throws -> Response { try jsonResponse(last(text, end)) }

    private func line(_ text: String) -> Line {
        Line(
            model: model, created_at: clock().formatted(Self.time), message: isChat ? .init(content: text) : nil,
            response: isChat ? nil : text)
    }

    /// The line with the counts; a time that nobody measured is left out.
    private func last(_ text: String, _ end: Completion.End) -> Line {
        var line = line(text)
        (line.done, line.done_reason, line.dropped_messages) = (true, end.reason, end.dropped)
        (line.total_duration, line.load_duration) = (end.whole.nanoseconds, end.loading?.nanoseconds)
        (line.prompt_eval_count, line.prompt_eval_duration) = (end.done.promptTokens, end.done.promptNanoseconds)
        (line.eval_count, line.eval_duration) = (end.done.completionTokens, end.done.answerNanoseconds)
        return line
    }

    private func onALine(_ value: some Encodable) throws -> ByteBuffer {
        var line = try jsonBuffer(value)
        line.writeString("\n")
        return line
    }

    private static let time = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}

extension Duration {
    fileprivate var nanoseconds: Int { Int(self / .nanoseconds(1)) }
}
