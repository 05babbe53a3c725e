import Channel
import Foundation

/// A conversation in the terminal: made with its first message, answered by one model, asked in one manner.
struct Talk {
    let client: ChannelClient
    let isKept: Bool
    var model: String?
    var system = ""
    private let interrupts = Interrupts()
    private var markdown: TerminalMarkdown
    private(set) var conversation: String?
    private var last: (text: String, sequence: UInt64)?

    init(_ client: ChannelClient, isKept: Bool) {
        (self.client, self.isKept) = (client, isKept)
        let isPlain = isatty(STDOUT_FILENO) == 0 || ProcessInfo.processInfo.environment["NO_COLOR"] != nil
        markdown = TerminalMarkdown(isStyled: !isPlain)
    }

    private struct Send: Encodable {
        let text: String
        var model: String?
        var replaces: UInt64?
    }
    private struct Change: Encodable {
        struct Manner: Encodable { let systemPrompt: String }
        let manner: Manner
    }
    private struct Created: Decodable, Sendable { let id: String }
    private struct Changed: Decodable, Sendable { let changed: Bool }
    private struct Stopped: Decodable, Sendable { let stopped: Bool }
    private struct Piece: Decodable, Sendable {
        struct Started: Decodable, Sendable {
            let sequence: UInt64?
            let droppedTurns: Int
        }
        struct Loading: Decodable, Sendable { let done, total: Int }
        let loading: Loading?
        let started: Started?
        let text: String?
    }

    /// Begins another conversation with the next message.
    mutating func startAnew() { (conversation, last) = (nil, nil) }

    /// Says something and shows the answer as it comes.
    mutating func say(_ text: String) async throws { try await send(Send(text: text, model: model)) }

    /// Asks the last question again.
    mutating func retry() async throws {
        guard let last else { return Terminal.note("(nothing was asked yet)") }
        try await send(Send(text: last.text, model: model, replaces: last.sequence))
    }

    /// Frames the conversation, also one that has begun.
    mutating func frame(_ text: String) async throws {
        system = text
        if let conversation { try await applyManner(to: conversation) }
    }

    private mutating func send(_ request: Send) async throws {
        interrupts.begin()
        defer { interrupts.end() }
        let id = try await begun()
        let client = client
        interrupts.stoppable {
            let reply = try? await client.ask(
                "conversations.stop", object: id, [String: String](), as: Stopped.self)
            return reply?.stopped ?? true
        }
        let reply = try await client.ask("conversations.send", object: id, try JSONEncoder().encode(request))
        while let data = try await reply.next() {
            let piece = try JSONDecoder().decode(Piece.self, from: data)
            if let started = piece.started {
                last = started.sequence.map { (request.text, $0) }
                if started.droppedTurns > 0 {
                    Terminal.note(
                        "(the model no longer sees the first \(started.droppedTurns) messages: the context is full)")
                }
            }
            if let loading = piece.loading { Terminal.progress("loading the model", loading.done, loading.total) }
            if let text = piece.text { Terminal.show(markdown.feed(text)) }
        }
        Terminal.show(markdown.finish() + "\n")
    }

    private mutating func begun() async throws -> String {
        if let conversation { return conversation }
        let id = try await client.ask("conversations.create", ["offRecord": !isKept], as: Created.self).id
        conversation = id
        if !system.isEmpty { try await applyManner(to: id) }
        return id
    }

    private func applyManner(to conversation: String) async throws {
        _ = try await client.ask(
            "conversations.change", object: conversation, Change(manner: .init(systemPrompt: system)), as: Changed.self)
    }
}
