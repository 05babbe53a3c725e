import Channel
import Foundation

/// One completion on its way from the cell, whatever shape it takes for the caller (`docs/formats/actions.md`,
/// `complete`).
struct Completion: Sendable {
    /// What the cell says first.
    struct Started: Decodable, Sendable { let promptTokens, droppedTurns: Int }

    /// What the cell says last; the times are nanoseconds that it measured.
    struct Done: Decodable, Sendable {
        let reason: String
        let promptTokens, reusedTokens, completionTokens: Int
        let promptNanoseconds, answerNanoseconds: Int?
    }

    /// How it ended.
    struct End: Sendable {
        let done: Done
        /// Messages that the model did not see because they no longer fitted.
        let dropped: Int
        /// From the request until now.
        let whole: Duration
        /// From the first news that a model is being loaded until the answer began; nil: there was none.
        let loading: Duration?

        /// `length` if a limit cut it, else `stop`.
        var reason: String { done.reason == "length" ? "length" : "stop" }
    }

    /// What comes next.
    enum Part: Sendable {
        case text(String)
        case end(End)
    }

    private struct Piece: Decodable {
        struct Loading: Decodable {}
        let loading: Loading?
        let started: Started?
        let text: String?
        let done: Done?
    }

    private let reply: OpenedReply
    private let asked: ContinuousClock.Instant
    private let loading: Duration?
    private let started: Started

    /// Asks, and waits until the answer begins; a model may have to be loaded first.
    init(_ request: CompletionOrder.Request, over client: KeyChannel) async throws {
        asked = .now
        reply = try await client.ask("complete", try JSONEncoder().encode(request))
        var loadingSince: ContinuousClock.Instant?
        while let data = try await reply.next() {
            let piece = try JSONDecoder().decode(Piece.self, from: data)
            if piece.loading != nil { loadingSince = loadingSince ?? .now }
            guard let started = piece.started else { continue }
            (self.started, loading) = (started, loadingSince.map { .now - $0 })
            return
        }
        throw ChannelError.truncated
    }

    /// The next part; the end is the last one, and comes when the cell's reply was seen to its end.
    /// - Throws: the cell's `Refusal`; `ChannelError` for a reply that is not all of it.
    func next() async throws -> Part {
        while let data = try await reply.next() {
            let piece = try JSONDecoder().decode(Piece.self, from: data)
            if let text = piece.text { return .text(text) }
            guard let done = piece.done else { continue }
            guard try await reply.next() == nil else { throw ChannelError.malformed }
            return .end(End(done: done, dropped: started.droppedTurns, whole: .now - asked, loading: loading))
        }
        throw ChannelError.truncated
    }

    /// All of it.
    func whole() async throws -> (text: String, end: End) {
        var whole = ""
        while true {
            switch try await next() {
            case .text(let text): whole += text
            case .end(let end): return (whole, end)
            }
        }
    }
}
