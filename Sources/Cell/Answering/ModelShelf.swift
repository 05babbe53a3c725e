import Inference

/// The models of this machine, loaded when they are asked for.
public protocol ModelShelf: Sendable {
    /// Every model that is here, the standard one first.
    func models() async -> [ModelDescription]

    /// The model of this id or name, loaded if need be; `default` or nil is the standard one.
    ///
    /// The stream ends with `ready`, or throws a `Refusal`.
    func load(_ name: String?) async -> AsyncThrowingStream<LoadEvent, any Error>
}

/// What happens while a model is loaded.
public enum LoadEvent: Sendable {
    /// Bytes checked so far, and all.
    case progress(done: Int, total: Int)
    /// It answers.
    case ready(LoadedModel)
}

/// The name that always means the standard model.
public let standardModelName = "default"

/// An engine's memory of a conversation.
///
/// A model that was unloaded took it along; then it begins anew.
struct EngineSequence {
    private weak var engine: (any TokenEngine)?
    private let id: SequenceID

    init(of model: LoadedModel) { (engine, id) = (model.engine, model.engine.openSequence()) }

    /// Its name in this model's engine; nil if it belongs to another.
    func id(in model: LoadedModel) -> SequenceID? { engine === model.engine ? id : nil }

    /// Forgets everything.
    func close() { engine?.closeSequence(id) }
}

extension EngineSequence? {
    /// The memory in this model's engine: the same if it is that model's, else a new one in place of the other.
    mutating func id(in model: LoadedModel) -> SequenceID {
        if let id = self?.id(in: model) { return id }
        self?.close()
        let fresh = EngineSequence(of: model)
        self = fresh
        return fresh.id(in: model) ?? model.engine.openSequence()
    }
}
