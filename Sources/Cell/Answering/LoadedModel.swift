public import Inference

/// A model that is ready to answer: its tokenizer and chat format for the cells, its engine for tokens.
public struct LoadedModel: Sendable {
    /// Tokens kept free for an answer, unless the context is small.
    private static let answerReserve = 1_024

    /// What clients see.
    public let description: ModelDescription
    let tokenizer: Tokenizer
    let format: ChatFormat
    let engine: any TokenEngine

    /// Prepares a model whose engine is elsewhere.
    /// - Parameters:
    ///   - file: its tokenizer and chat format are read; weights are not touched.
    ///   - engine: computes with the same file.
    /// - Throws: what `Tokenizer` and `ChatFormat` throw.
    public init(_ file: ModelFile, engine: any TokenEngine, description: ModelDescription) throws(InferenceError) {
        tokenizer = try file.makeTokenizer()
        format = try file.makeChatFormat(tokenizer)
        (self.engine, self.description) = (engine, description)
    }

    /// Prepares a model, and an engine for it in this process.
    /// - Parameters:
    ///   - description: what is known of the file.
    ///   - digest: SHA-256 of the file, hexadecimal.
    /// - Throws: what `Engine`, `Tokenizer` and `ChatFormat` throw.
    public init(
        _ file: ModelFile, options: EngineOptions, description: ModelDescription, digest: String
    ) throws(InferenceError) {
        let engine = try Engine(file: file, options: options)
        var description = description
        (description.context, description.digest, description.loaded) = (engine.contextLength, digest, true)
        try self.init(file, engine: engine, description: description)
    }

    /// Whether no answer is being made.
    public var isIdle: Bool { engine.isIdle }

    /// Most tokens of an answer when nobody says otherwise.
    var answerLimit: Int { min(Self.answerReserve, engine.contextLength / 4) }

    /// Tokens that a prompt may take beside an answer of `limit` tokens.
    func promptBudget(answer limit: Int) -> Int {
        max(engine.contextLength - 1 - min(limit, engine.contextLength / 2), 1)
    }
}
