import Channel
import Foundation
import Glibc
import Inference
import Seams
import Synchronization

/// What the supervisor asks of an engine process; `docs/formats/seams.md` §3.
enum EngineOrder: UInt8 {
    /// Hashes the file of the descriptor, or the guide if there is none, tells progress and then the digest, waits for
    /// one more part, and loads the model; once.
    ///
    /// With a second descriptor, a tokens seam to an engine elsewhere, that one computes.
    case load = 1
    /// Serves the cell at the other end of the descriptor.
    case attach = 2
    /// A name; descriptor: a file. Answered by what it says of itself.
    case inspect = 3

    struct Load: Codable, Sendable {
        let name: String
        let threads: Int
        let context: Int?
        let keyValueType: KeyValueType
    }

    struct Digest: Codable, Sendable { let digest: String }

    struct Loaded: Codable, Sendable {
        let context: Int
        let vocabulary: Int
    }
}

/// What a cell asks of an engine; `docs/formats/seams.md` §4.
enum EngineCall: UInt8 {
    /// A `GenerationRequest`; answered by its events.
    case generate = 1
    /// A sequence of this connection: its memory is zeroed.
    case close = 2
    /// Whether no answer is being made for anybody: one byte.
    case isIdle = 3
    /// What runs there.
    case describe = 4

    struct Description: Codable, Sendable {
        /// SHA-256 of its file, hexadecimal.
        let digest: String
        let context: Int
        let vocabulary: Int
    }
}

/// The engine's process: holds weights and token ids, and nothing else.
enum EngineRole {
    static func run(_ orders: Orders) async throws {
        let host = EngineHost()
        try await orders.answer { call in
            do { try await host.answer(call) } catch let error as InferenceError {
                throw SeamError.failed(Array(error.description.utf8))
            }
        }
    }
}

/// One model and the cells that use it.
private actor EngineHost {
    private var engine: (any TokenEngine)?
    private var digest = ""
    private var cells: [Int: SeamServer] = [:]
    private var lastCell = 0

    func answer(_ call: ServedCall) async throws {
        switch EngineOrder(rawValue: call.method) {
        case .load:
            let engine = try await load(call)
            try await call.tell(EngineOrder.Loaded(context: engine.contextLength, vocabulary: engine.vocabularySize))
        case .attach:
            guard let engine, let socket = call.descriptors.first else { throw SeamError.malformed }
            lastCell += 1
            cells[lastCell] = try EngineConnection.serve(engine, digest, number: lastCell, on: socket) {
                [number = lastCell] in
                Task { await self.forget(number) }
            }
            try await call.send([])
        case .inspect:
            let source = ModelSource(
                name: String(decoding: call.payload, as: UTF8.self), descriptor: call.descriptors.first)
            try await call.tell(await LocalReader().inspect(source))
        case nil: throw SeamError.malformed
        }
    }

    private func forget(_ number: Int) { cells[number] = nil }

    private func load(_ call: ServedCall) async throws -> any TokenEngine {
        let order = try call.read(EngineOrder.Load.self)
        guard engine == nil else { throw SeamError.malformed }
        let source = ModelSource(name: order.name, descriptor: call.descriptors.first)
        digest = try await digest(of: source, call)
        try await call.tell(EngineOrder.Digest(digest: digest))
        // Only a file that is the right one is read.
        guard try await call.next() != nil else { throw SeamError.cancelled }
        let loaded: any TokenEngine
        if call.descriptors.count > 1 {
            // Without the one that computes there is nothing to pass on: who waits here learns it by our end.
            loaded = try await RemoteEngine.join(call.descriptors[1], running: digest) { exit(EX_UNAVAILABLE) }
        } else {
            loaded = try Engine(
                file: try source.file(),
                options: EngineOptions(
                    threads: order.threads, contextLength: order.context, keyValueType: order.keyValueType))
        }
        engine = loaded
        return loaded
    }

    private func digest(of source: ModelSource, _ call: ServedCall) async throws -> String {
        let (steps, step) = AsyncStream<CellRequest.Progress>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let hashing = Task.detached {
            defer { step.finish() }
            return try source.digest { step.yield(.init(done: $0, total: $1)) }
        }
        for await progress in steps { try await call.tell(progress) }
        return try await hashing.value
    }
}

/// One cell's connection to an engine: its sequences are its own, and are forgotten with it.
private final class EngineConnection: Sendable {
    private let engine: any TokenEngine
    private let digest: String
    private let number: Int
    private let sequences = Mutex<[UInt64: SequenceID]>([:])

    private init(_ engine: any TokenEngine, _ digest: String, _ number: Int) {
        (self.engine, self.digest, self.number) = (engine, digest, number)
    }

    static func serve(
        _ engine: any TokenEngine, _ digest: String, number: Int, on socket: Descriptor,
        closed: @escaping @Sendable () -> Void
    ) throws -> SeamServer {
        let connection = EngineConnection(engine, digest, number)
        return try SeamServer(socket, limits: .tokens) {
            connection.forgetAll()
            closed()
        } answer: { call in
            try await connection.answer(call)
        }
    }

    private func answer(_ call: ServedCall) async throws {
        switch EngineCall(rawValue: call.method) {
        case .generate:
            var request = try GenerationRequest(decoding: call.payload)
            request.sequence = own(request.sequence.number)
            for await event in try engine.generate(request) { try await call.send(event.encoded()) }
        case .close:
            let number = call.payload.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if let sequence = sequences.withLock({ $0.removeValue(forKey: number) }) { engine.closeSequence(sequence) }
            try await call.send([])
        case .isIdle: try await call.send([await engine.isIdle() ? 1 : 0])
        case .describe:
            try await call.tell(
                EngineCall.Description(
                    digest: digest, context: engine.contextLength, vocabulary: engine.vocabularySize))
        case nil: throw SeamError.malformed
        }
    }

    private func own(_ name: UInt64) -> SequenceID {
        sequences.withLock { sequences in
            if let known = sequences[name] { return known }
            let sequence = engine.openSequence(of: ClientID(connection: number, number: UInt32(name >> 32)))
            sequences[name] = sequence
            return sequence
        }
    }

    private func forgetAll() {
        for sequence in sequences.withLock({ $0.values.map { $0 } }) { engine.closeSequence(sequence) }
    }
}
