public import Inference

/// A model that is ready to answer: its tokenizer and chat format for the cells, its engine for tokens.
public struct LoadedModel: Sendable {
    /// Tokens kept free for an answer, unless the context is small.
    private static let answerReserve = 1_024

    /// What clients see.
    public let description: ModelDescription
    let tokenizer: Tokenizer
    let format: ChatFormat
    /// Computes its tokens.
    public let engine: any TokenEngine

    /// Prepares a model.
    /// - Parameters:
    ///   - file: its tokenizer and chat format are read; weights are the engine's.
    ///   - engine: computes with the same file.
    /// - Throws: what `Tokenizer` and `ChatFormat` throw.
    public init(_ file: ModelFile, engine: any TokenEngine, description: ModelDescription) throws(InferenceError) {
        tokenizer = try file.makeTokenizer()
        format = try file.makeChatFormat(tokenizer)
        (self.engine, self.description) = (engine, description)
    }

    /// Whether its engine still runs.
    public var isRunning: Bool { engine.isRunning }

    /// Most tokens of an answer when nobody says otherwise.
    var answerLimit: Int { min(Self.answerReserve, engine.contextLength / 4) }

    /// Tokens that a prompt may take beside an answer of `limit` tokens.
    func promptBudget(answer limit: Int) -> Int {
        max(engine.contextLength - 1 - min(limit, engine.contextLength / 2), 1)
    }
}
