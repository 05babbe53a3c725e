import Channel
import Confinement
import Foundation
import Inference
import Seams

/// Reads each model file in a process of its own, which holds nothing else: what a hostile or a shrinking file can end is
/// that process.
struct EngineProcesses: ModelReader {
    let range: SelfTestRange

    func inspect(_ source: ModelSource) async -> ModelInspection {
        do {
            let child = try Child(.engine, range: range)
            let name = Array(source.name.utf8)
            return try await child.control.ask(
                EngineOrder.inspect.rawValue, name, descriptors: source.descriptors
            ).read(ModelInspection.self)
        } catch { return ModelInspection(unreadable: .fatal) }
    }

    /// - Throws: `Refusal` if the model does not load, `UserError` if the process does not start, and what `accept`
    ///   throws.
    func engine(
        _ source: ModelSource, _ options: EngineOptions, progress: @escaping @Sendable (Int, Int) -> Void,
        accept: @escaping @Sendable (String) throws -> Void
    ) async throws -> any TokenEngine {
        let child = try Child(.engine, range: range)
        let order = EngineOrder.Load(
            name: source.name, threads: options.threads, context: options.contextLength,
            keyValueType: options.keyValueType)
        do {
            let call = try child.control.call(
                EngineOrder.load.rawValue, Array(try JSONEncoder().encode(order)), descriptors: source.descriptors)
            try accept(try await Self.digest(call, progress))
            try await call.send([])
            call.finish()
            guard let loaded = try await call.next()?.read(EngineOrder.Loaded.self) else { throw SeamError.closed }
            return try RemoteEngine(try await child.attached(), loaded, child: child)
        } catch SeamError.failed(let words) {
            throw Refusal(.modelFailed, "The model was not loaded: \(String(decoding: words, as: UTF8.self)).")
        } catch is SeamError { throw Refusal(.modelFailed, "The model's process ended while it was being loaded.") }
    }

    /// What comes before the digest is progress.
    private static func digest(_ call: Call, _ progress: (Int, Int) -> Void) async throws -> String {
        while let part = try await call.next() {
            guard let step = try? part.read(CellRequest.Progress.self) else {
                return try part.read(EngineOrder.Digest.self).digest
            }
            progress(step.done, step.total)
        }
        throw SeamError.closed
    }
}

extension ModelSource {
    /// To be handed on.
    fileprivate var descriptors: [Descriptor] { [descriptor, elsewhere].compactMap { $0 } }
}

extension Child {
    /// A socket over which a process can use the engine that runs in this one.
    func attached() async throws -> Descriptor {
        let (near, far) = try Descriptor.pair()
        _ = try await control.ask(EngineOrder.attach.rawValue, descriptors: [far])
        return near
    }
}
