import Cryptography
public import Inference

/// A model that is ready to answer: its tokenizer and chat format for the cells, its engine for tokens.
public struct LoadedModel: Sendable {
    /// Tokens kept free for an answer, unless the context is small.
    private static let answerReserve = 1_024

    /// What clients see.
    public let description: ModelDescription
    let tokenizer: Tokenizer
    let format: ChatFormat
    let engine: Engine

    /// Prepares a model.
    /// - Parameter isGuide: whether this is the built-in guide.
    /// - Throws: what `Engine`, `Tokenizer` and `ChatFormat` throw.
    public init(_ file: ModelFile, options: EngineOptions, isGuide: Bool) throws(InferenceError) {
        tokenizer = try file.makeTokenizer()
        format = try file.makeChatFormat(tokenizer)
        engine = try Engine(file: file, options: options)
        description = ModelDescription(
            name: file.name, bytes: file.byteCount, parameters: file.parameterCount, quantisation: file.quantisation,
            architecture: file.architecture, context: engine.contextLength,
            digest: Hex.encode(file.withBytes { sha256(of: $0) }), guide: isGuide)
    }

    /// The instruction set that the kernels use.
    public var instructions: String { engine.instructions }

    /// Most tokens of an answer when nobody says otherwise.
    var answerLimit: Int { min(Self.answerReserve, engine.contextLength / 4) }

    /// Tokens that a prompt may take beside an answer of `limit` tokens.
    func promptBudget(answer limit: Int) -> Int {
        max(engine.contextLength - 1 - min(limit, engine.contextLength / 2), 1)
    }
}
