import Cell
import Channel
import Foundation
import Inference
import Seams
import Synchronization

/// The way to an engine in a process of its own.
final class EngineProcess: TokenEngine {
    let contextLength: Int
    private let vocabularySize: Int
    private let child: Child
    private let seam: SeamClient
    private let state = Mutex<(lastSequence: UInt64, answers: Int)>((0, 0))

    /// Starts a process and loads a model in it.
    /// - Throws: `Refusal` if the model does not load, `UserError` if the process does not start.
    init(_ file: ModelFile, options: EngineOptions) async throws {
        child = try Child(.engine)
        let load = EngineOrder.Load(name: file.name, threads: options.threads, context: options.contextLength)
        let descriptors = file.descriptor.map { [Descriptor(dup($0))] } ?? []
        do {
            let reply = try await child.control.ask(
                EngineOrder.load.rawValue, Array(try JSONEncoder().encode(load)), descriptors: descriptors)
            let loaded = try JSONDecoder().decode(EngineOrder.Loaded.self, from: Data(reply.bytes))
            (contextLength, vocabularySize) = (loaded.context, loaded.vocabulary)
            let (near, far) = try Descriptor.pair()
            seam = try SeamClient(near, limits: .tokens)
            _ = try await child.control.ask(EngineOrder.attach.rawValue, descriptors: [far])
        } catch SeamError.failed(let words) {
            throw Refusal(.modelFailed, "The model was not loaded: \(String(decoding: words, as: UTF8.self)).")
        } catch is SeamError { throw Refusal(.modelFailed, "The model's process ended while it was being loaded.") }
    }

    var isRunning: Bool { child.isRunning }
    var isIdle: Bool { state.withLock { $0.answers == 0 } }

    func openSequence() -> SequenceID {
        state.withLock { state in
            state.lastSequence += 1
            return SequenceID(number: state.lastSequence)
        }
    }

    func closeSequence(_ sequence: SequenceID) {
        let number = withUnsafeBytes(of: sequence.number.littleEndian) { Array($0) }
        Task { [seam] in _ = try? await seam.ask(EngineCall.close.rawValue, number) }
    }

    func generate(_ request: GenerationRequest) throws(InferenceError) -> Generation {
        try request.validate(context: contextLength, vocabulary: vocabularySize)
        do throws(SeamError) {
            let call = try seam.call(EngineCall.generate.rawValue, request.encoded())
            state.withLock { $0.answers += 1 }
            return Generation(RemoteAnswer(call) { [self] in state.withLock { $0.answers -= 1 } })
        } catch { throw .engineGone }
    }
}

/// The events of an answer that is being made in another process.
private final class RemoteAnswer: GenerationSource {
    private let call: Call
    private let ended: @Sendable () -> Void

    init(_ call: Call, ended: @escaping @Sendable () -> Void) { (self.call, self.ended) = (call, ended) }

    deinit { ended() }

    func next() async -> GenerationEvent? {
        guard let part = try? await call.next() else { return nil }
        return try? GenerationEvent(decoding: part.bytes)
    }

    func cancel() { call.cancel() }
}
