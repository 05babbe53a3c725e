import Cell
import Channel
import Cryptography
import Foundation
import Inference
import Synchronization
import TestSupport

/// A shelf with one model on it.
struct OneModel: ModelShelf {
    let model: LoadedModel

    func models() -> [ModelDescription] { [model.description] }

    func load(_ name: String?) -> AsyncThrowingStream<LoadEvent, any Error> {
        AsyncThrowingStream { continuation in
            continuation.yield(.progress(done: 1, total: 1))
            continuation.yield(.ready(model))
            continuation.finish()
        }
    }
}

/// A cell host over a disk in memory and a tiny model, asked as programs ask: through a channel.
struct House {
    static let passphrase = "correct lantern harbour violet"

    /// A clock that a test moves.
    final class Clock: Sendable {
        private let time = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
        var now: Date { time.withLock { $0 } }
        func advance(_ seconds: TimeInterval) { time.withLock { $0 += seconds } }
    }

    let store = MemoryStore()
    let clock = Clock()
    let host: CellNode

    init(context: Int = 2_048) throws {
        let file = try ModelFile(bytes: TinyModel.pinned(TinyModel.writer(context: context).bytes()), name: "tiny")
        var description = ModelDescription(file.inspect(), id: "tiny", name: "tiny", context: nil, guide: true)
        description.loaded = true
        let engine = try Engine(file: file, options: EngineOptions(threads: 1))
        let model = try LoadedModel(file, engine: engine, description: description)
        let clock = clock
        let secret = Secret.random()
        let cells = CellHost(
            lookupKey: CellHost.lookupKey(nodeSecret: secret), store: store, models: OneModel(model: model),
            neighbours: Alone(setupToken: "set-up"),
            evidence: { ProcessEvidence(listening: [], outgoing: [], accepted: 0, source: "a test", process: 1) },
            clock: { clock.now })
        host = try CellNode(nodeSecret: secret, host: cells, clock: { clock.now })
    }

    /// Opens a channel.
    func enter(_ credential: Credential) async throws -> ChannelClient {
        try await ChannelClient(credential, over: host, pinned: nil, now: UInt64(clock.now.timeIntervalSince1970))
    }

    /// Makes the owner and opens the first channel.
    func owner() async throws -> ChannelClient {
        try await enter(.create(token: "set-up", name: "Ada", passphrase: Self.passphrase, keep: true))
    }

    func unlock(_ passphrase: String = Self.passphrase) async throws -> ChannelClient {
        try await enter(.passphrase(name: "Ada", passphrase: passphrase))
    }
}

/// The fields of any reply that a test looks at.
struct Piece: Decodable {
    struct Started: Decodable { let promptTokens, droppedTurns, context: Int }
    struct Done: Decodable {
        let reason: String
        let reusedTokens, promptNanoseconds, answerNanoseconds: Int
    }
    struct Receipt: Decodable {
        let records: Int
        let keyDestroyed: Bool
    }
    struct Turn: Decodable {
        let sequence: Int
        let version: Int
        let role, text: String
        let stopped: Bool
    }
    struct Arrangement: Decodable, Equatable {
        let pinned: Bool
        let tags: [String]
    }
    struct Manner: Decodable { let systemPrompt: String }
    struct Summary: Decodable {
        let id, title: String
        let arrangement: Arrangement
        let damaged: Bool
    }
    struct Hit: Decodable { let conversation, before, match, after: String }
    struct Session: Decodable {
        let id, scope: String
        let own: Bool
    }
    struct Tampering: Decodable { let refused, intactOpens: Bool }
    struct Key: Decodable {
        let label: String
        let lastUse: String?
        let conversations: Int
    }
    struct Stored: Decodable {
        struct Part: Decodable { let count: Int }
        let records: Part
    }

    struct Loading: Decodable { let done, total: Int }

    let id, token, text, title, recovery: String?
    let loading: Loading?
    let started: Started?
    let done: Done?
    let receipt: Receipt?
    let turns: [Turn]?
    let manner: Manner?
    let conversations: [Summary]?
    let hit: Hit?
    let found, skipped: Int?
    let complete: Bool?
    let drafts: [String: String]?
    let sessions: [Session]?
    let tampering: Tampering?
    let keys: [Key]?
    let stored: Stored?
    let idleMinutes: Int?
    let stopped: Bool?
}

extension ChannelClient {
    /// Asks and reads the whole reply.
    @discardableResult
    func all(_ action: String, _ object: String? = nil, _ content: String = "{}") async throws -> [Piece] {
        let reply = try await ask(action, object: object, Data(content.utf8))
        var pieces: [Piece] = []
        while let piece = try await reply.next() { pieces.append(try JSONDecoder().decode(Piece.self, from: piece)) }
        return pieces
    }

    /// Asks for one piece.
    @discardableResult
    func one(_ action: String, _ object: String? = nil, _ content: String = "{}") async throws -> Piece {
        guard let piece = try await all(action, object, content).last else { throw ChannelError.truncated }
        return piece
    }

    /// A new conversation.
    func begin(offRecord: Bool = false) async throws -> String {
        try await one("conversations.create", nil, #"{"offRecord":\#(offRecord)}"#).id ?? ""
    }

    /// One turn.
    @discardableResult
    func say(_ text: String, in conversation: String) async throws -> [Piece] {
        try await all("conversations.send", conversation, #"{"text":"\#(text)"}"#)
    }
}
