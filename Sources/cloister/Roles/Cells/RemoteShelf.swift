import Cell
import Channel
import Foundation
import Inference
import Seams

/// The models of the supervisor: their engines are in processes of their own, their tokenizers here.
actor RemoteShelf: ModelShelf {
    private let supervisor: SeamClient
    /// Models with their tokenizers, by the process of their engine.
    private var prepared: [Int: LoadedModel] = [:]

    init(_ supervisor: SeamClient) { self.supervisor = supervisor }

    func models() async -> [ModelDescription] {
        (try? await supervisor.ask(CellRequest.models.rawValue, [String](), as: [ModelDescription].self)) ?? []
    }

    func load(_ name: String?) -> AsyncThrowingStream<LoadEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream<LoadEvent, any Error>.makeStream(
            bufferingPolicy: .bufferingNewest(2))
        Task {
            do {
                let load = CellRequest.Load(name: name, connected: connected)
                let call = try supervisor.call(CellRequest.load.rawValue, Array(try JSONEncoder().encode(load)))
                while let part = try await call.next() {
                    if let model = try event(part, continuation) {
                        continuation.yield(.ready(model))
                        break
                    }
                }
                continuation.finish()
            } catch let error as SeamError {
                continuation.finish(throwing: Refusal(error))
            } catch { continuation.finish(throwing: Refusal(model: error)) }
        }
        return stream
    }

    /// Passes progress on, and makes the model when it is there.
    private func event(
        _ part: Part, _ continuation: AsyncThrowingStream<LoadEvent, any Error>.Continuation
    ) throws -> LoadedModel? {
        guard let ready = try? part.read(CellRequest.Ready.self) else {
            let progress = try part.read(CellRequest.Progress.self)
            continuation.yield(.progress(done: progress.done, total: progress.total))
            return nil
        }
        return try model(ready, part.descriptors)
    }

    private var connected: [Int] {
        prepared = prepared.filter { $0.value.isRunning }
        return prepared.keys.sorted()
    }

    /// The same as before, if its engine is; an engine that was started anew comes with a socket.
    private func model(_ ready: CellRequest.Ready, _ descriptors: [Descriptor]) throws -> LoadedModel {
        let description = ready.description
        if descriptors.isEmpty, let known = prepared[ready.engine] { return known }
        guard let socket = descriptors.first else { throw SeamError.malformed }
        let file =
            try descriptors.count > 1
            ? ModelFile(descriptor: dup(descriptors[1].raw), name: description.name) : BuiltInGuide.open()
        let engine = try RemoteEngine(
            socket, EngineOrder.Loaded(context: description.context, vocabulary: ready.vocabulary))
        let model = try LoadedModel(file, engine: engine, description: description)
        prepared[ready.engine] = model
        return model
    }
}

/// The other cells, asked through the supervisor.
struct RemoteNeighbours: Neighbours {
    let supervisor: SeamClient

    func isSetup(_ token: String) async -> Bool { await says(.isSetup, Array(token.utf8)) }
    func finishSetup() async { _ = await says(.finishSetup) }
    func claim(_ name: CellName) async -> Bool { await says(.claim, encoded(name)) }

    func handOver(_ channel: [UInt8], to name: CellName) async throws {
        do {
            _ = try await supervisor.ask(CellRequest.handOver.rawValue, Fields(encoded(name), channel).encoded())
        } catch { throw Refusal(error) }
    }

    func sessions(besides name: CellName) async -> [SessionDescription] {
        (try? await supervisor.ask(CellRequest.sessions.rawValue, [String](), as: [SessionDescription].self)) ?? []
    }

    func closeSession(_ id: String, besides name: CellName) async -> Bool {
        await says(.closeSession, Array(id.utf8))
    }

    func endKeys(of name: CellName) async { _ = await says(.endKeys) }

    func evidence() async -> ProcessEvidence {
        let answer = try? await supervisor.ask(CellRequest.evidence.rawValue, [String](), as: ProcessEvidence.self)
        return answer ?? .none
    }

    func breakOut() async throws -> [ConfinedProcess] {
        try await supervisor.ask(CellRequest.breakOut.rawValue, [String](), as: [ConfinedProcess].self)
    }

    private func says(_ request: CellRequest, _ payload: [UInt8] = []) async -> Bool {
        (try? await supervisor.ask(request.rawValue, payload))?.bytes == [1]
    }

    private func encoded(_ name: CellName) -> [UInt8] { (try? JSONEncoder().encode(name)).map { Array($0) } ?? [] }
}
