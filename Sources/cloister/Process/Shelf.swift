import Catalogue
import Cell
import Channel
import Foundation
import Inference
import Seams
import Synchronization

/// The models of this machine: found in the stores, described from their metadata, loaded when somebody asks, and
/// unloaded when another needs the memory. An answer that is being made keeps its model.
actor Shelf: ModelShelf {
    private static let guideID = "guide"
    /// *Our choice*: files whose metadata is read at the same time.
    private static let readAtOnce = 4

    /// A model whose engine runs.
    struct Ready: Sendable {
        let source: ModelSource
        let engine: any TokenEngine
        let description: ModelDescription
    }

    private struct Loaded {
        let model: Ready
        var lastUse: ContinuousClock.Instant
        /// With its tokenizer, for cells of this process.
        var prepared: LoadedModel?
    }

    private let catalogue: Catalogue
    private let own: OwnStore
    private let options: EngineOptions
    private let budget: Int
    private let reader: any ModelReader
    private let guide: ModelDescription
    /// What the person asked for at the start; nil: what the store remembers.
    private let wanted: FoundModel?
    /// A tokens seam to an engine that runs it already; nil: it is run here.
    private let elsewhere: Descriptor?
    private var loaded: [String: Loaded] = [:]
    private var loading: [String: (task: Task<Ready, any Error>, needs: Int)] = [:]
    private var inspections: [String: (stamp: String, inspection: ModelInspection)] = [:]

    /// - Parameters:
    ///   - reader: where model files are read and run.
    ///   - elsewhere: a tokens seam to an engine that runs the wanted model already.
    /// - Throws: `CatalogueError` if the wanted model is not there, `InferenceError` if it does not run.
    init(_ settings: Settings, own: OwnStore, reader: any ModelReader = LocalReader(), elsewhere: Descriptor? = nil)
        async throws
    {
        let environment = ProcessInfo.processInfo.environment
        let catalogue = Catalogue(environment: environment, folders: settings.models, own: own.path)
        (self.catalogue, self.own) = (catalogue, own)
        options = EngineOptions(
            threads: settings.threads, contextLength: settings.context, keyValueType: settings.keyValueType)
        budget = settings.memory.map { $0 << 30 } ?? Int(ProcessInfo.processInfo.physicalMemory / 4 * 3)
        self.reader = reader
        guide = ModelDescription(
            try BuiltInGuide.open().inspect(), id: Self.guideID, name: Self.guideID, context: nil, guide: true)
        let wanted = try settings.model.map { try Self.find($0, in: catalogue) }
        (self.wanted, self.elsewhere) = (wanted, elsewhere)
        guard let wanted else { return }
        await inspect([wanted])
        if let obstacle = inspections[wanted.path]?.inspection.obstacles.first { throw obstacle }
    }

    /// A path if there is a file, else a name.
    private static func find(_ wanted: String, in catalogue: Catalogue) throws -> FoundModel {
        guard wanted.hasSuffix(".gguf") || FileManager.default.fileExists(atPath: wanted) else {
            return try catalogue.model(named: wanted)
        }
        let url = URL(filePath: wanted).resolvingSymlinksInPath()
        return FoundModel(
            store: .folder, name: URL(filePath: wanted).deletingPathExtension().lastPathComponent, path: url.path)
    }

    func models() async -> [ModelDescription] {
        let found = catalogue.search().models.filter { $0.path != wanted?.path }
        let memory = own.memory()
        let standard = standardID(memory)
        let all =
            await describe((wanted.map { [$0] } ?? []) + found, memory) + [running(Self.guideID)?.description ?? guide]
        return all.map { model in
            var model = model
            model.standard = model.id == standard
            return model
        }.sorted { $0.standard && !$1.standard }
    }

    /// What the processes of the engines say of themselves.
    func reports() async -> [SelfReport] {
        var reports: [SelfReport] = []
        for engine in loaded.values.compactMap({ $0.model.engine as? RemoteEngine }) {
            if let report = await engine.report() { reports.append(report) }
        }
        return reports.sorted { $0.process < $1.process }
    }

    func load(_ name: String?) -> AsyncThrowingStream<LoadEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream<LoadEvent, any Error>.makeStream(
            bufferingPolicy: .bufferingNewest(2))
        Task {
            do {
                let model = try await ready(name) { continuation.yield(.progress(done: $0, total: $1)) }
                continuation.yield(.ready(try prepared(model)))
                continuation.finish()
            } catch { continuation.finish(throwing: Refusal(model: error)) }
        }
        return stream
    }

    /// Its tokenizer is made once.
    private func prepared(_ model: Ready) throws -> LoadedModel {
        let id = model.description.id
        if let known = loaded[id]?.prepared { return known }
        let made = try LoadedModel(try model.source.file(), engine: model.engine, description: model.description)
        loaded[id]?.prepared = made
        return made
    }

    private func standardID(_ memory: OwnStore.Memory) -> String { wanted?.id ?? memory.standard ?? Self.guideID }

    /// The model of this id or name, its engine running.
    /// - Throws: what `Refusal(model:)` explains.
    func ready(_ name: String?, progress: @escaping @Sendable (Int, Int) -> Void) async throws -> Ready {
        let memory = own.memory()
        let id = name.flatMap { $0 == standardModelName ? nil : $0 } ?? standardID(memory)
        if id == Self.guideID { return try await readyGuide() }
        let found = try wanted.flatMap { $0.id == id || $0.name == id ? $0 : nil } ?? catalogue.model(named: id)
        if let model = await answering(found.id) { return model }
        if let known = loading[found.id] { return try await known.task.value }
        let description = await describe([found], memory)[0]
        if !description.obstacles.isEmpty {
            throw Refusal(
                .unsupported, "\(found.name) does not run here: \(description.obstacles.joined(separator: "; ")).")
        }
        try await makeRoom(for: description)
        if let known = loading[found.id] { return try await known.task.value }
        var source = try ModelSource(found)
        if found.id == wanted?.id { source.elsewhere = elsewhere }
        return try await loading(description, source, options, progress) { [own] digest in
            try found.check(digest, in: own)
        }
    }

    /// The guide: part of the program, so there is nothing to find or to check.
    private func readyGuide() async throws -> Ready {
        if let model = await answering(Self.guideID) { return model }
        if let known = loading[Self.guideID] { return try await known.task.value }
        return try await loading(guide, .guide, EngineOptions(threads: options.threads), { _, _ in }) { _ in }
    }

    /// The same, if its engine answers at this moment.
    private func answering(_ id: String) async -> Ready? {
        guard let model = running(id) else { return nil }
        if await model.engine.answers() { return model }
        if loaded[id]?.model.engine === model.engine { loaded[id] = nil }
        return nil
    }

    /// A model that is loaded and whose engine runs; it was used now.
    private func running(_ id: String) -> Ready? {
        guard let model = loaded[id]?.model else { return nil }
        guard model.engine.isRunning else {
            loaded[id] = nil
            return nil
        }
        loaded[id]?.lastUse = .now
        return model
    }

    /// Loads off this actor; who asks meanwhile waits for the same.
    /// - Parameter accept: judges the file's digest.
    private func loading(
        _ description: ModelDescription, _ source: ModelSource, _ options: EngineOptions,
        _ progress: @escaping @Sendable (Int, Int) -> Void, accept: @escaping @Sendable (String) throws -> Void
    ) async throws -> Ready {
        let task = Task.detached { [reader] in
            let digest = Mutex("")
            let engine = try await reader.engine(source, options, progress: progress) { found in
                try accept(found)
                digest.withLock { $0 = found }
            }
            return Ready(source, engine, description, digest: digest.withLock { $0 })
        }
        loading[description.id] = (task, description.needs)
        defer { loading[description.id] = nil }
        let model = try await task.value
        loaded[description.id] = Loaded(model: model, lastUse: .now)
        return model
    }

    /// Unloads what was unused for longest until the model fits.
    private func makeRoom(for model: ModelDescription) async throws {
        func used() -> Int {
            loading.values.map(\.needs).reduce(0, +) + loaded.values.map(\.model.description.needs).reduce(0, +)
        }
        let oldest = loaded.filter { $0.key != Self.guideID }.sorted { $0.value.lastUse < $1.value.lastUse }
        for (id, old) in oldest where used() + model.needs > budget {
            // Who asks an engine may wait; meanwhile it may have been used.
            guard await old.model.engine.isIdle(), loaded[id]?.lastUse == old.lastUse else { continue }
            loaded[id] = nil
        }
        guard used() + model.needs <= budget else {
            throw Refusal(
                .modelFailed,
                "\(model.name) needs \(Amount.bytes(model.needs)), and \(Amount.bytes(max(budget - used(), 0))) of the \(Amount.bytes(budget)) for models are free."
            )
        }
    }

    /// As clients see them; what was not read yet is read, a few files at a time.
    private func describe(_ found: [FoundModel], _ memory: OwnStore.Memory) async -> [ModelDescription] {
        await inspect(found.filter { running($0) == nil })
        return found.map { model in
            if let ready = running(model) { return ready.description }
            var description = ModelDescription(
                inspections[model.path]?.inspection ?? ModelInspection(unreadable: .fatal), id: model.id,
                name: model.name, context: options.contextLength, keyValueType: options.keyValueType)
            description.digest = memory.digests[model.id]
            description.fits = description.needs <= budget
            return description
        }
    }

    private func running(_ found: FoundModel) -> Ready? {
        loaded[found.id].flatMap { $0.model.engine.isRunning ? $0.model : nil }
    }

    /// Reads the metadata of files once, and again when they changed.
    private func inspect(_ found: [FoundModel]) async {
        let stamps = found.map { ($0, Self.stamp(of: $0)) }.filter { inspections[$0.path]?.stamp != $1 }
        await withTaskGroup(of: (String, String, ModelInspection).self) { [reader] group in
            for (index, (model, stamp)) in stamps.enumerated() {
                if index >= Self.readAtOnce, let done = await group.next() { inspections[done.0] = (done.1, done.2) }
                group.addTask {
                    do throws(InferenceError) {
                        return (model.path, stamp, await reader.inspect(try ModelSource(model)))
                    } catch {
                        return (model.path, stamp, ModelInspection(unreadable: error))
                    }
                }
            }
            for await done in group { inspections[done.0] = (done.1, done.2) }
        }
    }

    private static func stamp(of found: FoundModel) -> String {
        let attributes = try? FileManager.default.attributesOfItem(atPath: found.path)
        return "\(attributes?[.size] ?? 0) \(attributes?[.modificationDate] ?? 0)"
    }
}

extension Shelf.Ready {
    fileprivate init(
        _ source: ModelSource, _ engine: any TokenEngine, _ description: ModelDescription, digest: String
    ) {
        (self.source, self.engine) = (source, engine)
        var description = description
        (description.context, description.digest, description.loaded) = (engine.contextLength, digest, true)
        self.description = description
    }
}

extension Refusal {
    /// What went wrong with a model, for a person.
    init(model error: any Error) {
        switch error {
        case let refusal as Refusal: self = refusal
        case let error as CatalogueError:
            switch error {
            case .notFound, .ambiguous:
                self.init(.notFound, "There is a difficulty with the model: \(error.description).")
            default: self.init(.modelFailed, "The model was not loaded: \(error.description).")
            }
        case let error as InferenceError: self.init(.modelFailed, "The model was not loaded: \(error.description).")
        default: self.init(.modelFailed, "The model was not loaded.")
        }
    }
}
