import CKernels
import Foundation

/// Names a sequence of an engine.
public struct SequenceID: Hashable, Sendable {
    /// Unique for one engine, or for one connection to it.
    public let number: UInt64

    /// A name that a connection gives.
    public init(number: UInt64) { self.number = number }
}

/// Whose sequences they are, as far as an engine knows: they share a place in the queue, and what is known of one may
/// serve the others.
public struct ClientID: Hashable, Sendable {
    /// The connection that it came over, and which one it is among those that came over it.
    public let connection: Int, number: UInt32

    /// A name that whoever connects clients gives.
    public init(connection: Int, number: UInt32) { (self.connection, self.number) = (connection, number) }

    /// The only one.
    public static let only = ClientID(connection: 0, number: 0)
}

/// Token ids in, token ids out: an engine of this process, or the way to one in another.
public protocol TokenEngine: AnyObject, Sendable {
    /// Longest context in tokens.
    var contextLength: Int { get }
    /// Token ids are from 0 to below this.
    var vocabularySize: Int { get }
    /// Whether no answer is being made or waits, for anybody.
    func isIdle() async -> Bool
    /// Whether it still answers, as far as is known; one that ended never does again.
    var isRunning: Bool { get }
    /// Whether it answers at this moment.
    func answers() async -> Bool
    /// A new, empty sequence; it takes memory when it is first used.
    func openSequence(of client: ClientID) -> SequenceID
    /// Forgets a sequence; its keys and values are zeroed as soon as no answer uses them.
    func closeSequence(_ sequence: SequenceID)
    /// Begins an answer; the first event says whether it will be made.
    /// - Throws: `promptTooLong` unless the prompt leaves room for a token, `outOfRange`, `noSuchSequence`.
    func generate(_ request: GenerationRequest) throws(InferenceError) -> Generation
}

extension TokenEngine {
    /// One in this process does as long as the process.
    public func answers() async -> Bool { isRunning }
    /// A new, empty sequence of the only client.
    public func openSequence() -> SequenceID { openSequence(of: .only) }
}

/// What an engine may use.
public struct EngineOptions: Sendable {
    /// Threads that compute, 1 to 256.
    public var threads: Int
    /// Longest context in tokens; nil: the model's own, at most 4,096.
    public var contextLength: Int?
    /// The context of a model that could have more, tokens, when nobody says otherwise.
    public static let usualContext = 4_096
    /// Sequences whose keys and values are kept; the one unused for longest makes room.
    public var sequences: Int
    /// How keys and values are kept.
    public var keyValueType: KeyValueType

    /// - Parameter threads: as many as the machine has cores, by default.
    public init(
        threads: Int? = nil, contextLength: Int? = nil, sequences: Int = 8, keyValueType: KeyValueType = .f16
    ) {
        self.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        (self.contextLength, self.sequences, self.keyValueType) = (contextLength, sequences, keyValueType)
    }
}

/// One answer to be made.
public struct GenerationRequest: Sendable {
    /// Where it belongs; what the sequence remembers of the prompt is not read again.
    public var sequence: SequenceID
    /// The whole prompt.
    public var prompt: [TokenID]
    /// How tokens are chosen.
    public var sampling: Sampling
    /// Most tokens to make, at least 1.
    public var maxTokens: Int
    /// Tokens that end the answer and are not part of it.
    public var endTokens: Set<TokenID>
    /// Whether tokens that may follow are read along; it is faster where an answer quotes, and never another answer.
    public var guesses = true

    /// A request.
    public init(
        sequence: SequenceID, prompt: [TokenID], sampling: Sampling, maxTokens: Int, endTokens: Set<TokenID>
    ) {
        (self.sequence, self.prompt, self.sampling) = (sequence, prompt, sampling)
        (self.maxTokens, self.endTokens) = (maxTokens, endTokens)
    }

    /// - Throws: `promptTooLong` unless the prompt leaves room for a token, `outOfRange`.
    public func validate(context: Int, vocabulary: Int) throws(InferenceError) {
        try sampling.validate()
        guard maxTokens > 0 else { throw .outOfRange("max_tokens") }
        guard !prompt.isEmpty, prompt.allSatisfy({ $0 >= 0 && Int($0) < vocabulary }) else {
            throw .outOfRange("prompt")
        }
        guard prompt.count < context else { throw .promptTooLong(tokens: prompt.count, limit: context - 1) }
    }
}

/// The engine itself.
///
/// Knows nothing of people or text; runs on threads of its own.
public final class Engine: TokenEngine {
    /// Longest context in tokens.
    public let contextLength: Int
    /// Threads that compute.
    public let threads: Int
    /// Token ids are from 0 to below this.
    public let vocabularySize: Int
    private let scheduler: Scheduler

    /// Checks the model's tensors and starts the engine's thread.
    /// - Throws: `unsupportedArchitecture`, `unsupportedTensorType`, `malformed`, `outOfRange`, `outOfMemory`.
    public init(file: ModelFile, options: EngineOptions) throws(InferenceError) {
        guard (1...256).contains(options.threads) else { throw .outOfRange("threads") }
        let model = try LlamaModel(file: file)
        let context = options.contextLength ?? min(model.shape.context, EngineOptions.usualContext)
        guard (LlamaShape.contextFloor...model.shape.context).contains(context) else { throw .outOfRange("context") }
        (contextLength, threads, vocabularySize) = (context, options.threads, model.shape.vocabulary)
        let runner = try LlamaRunner(model: model, pool: ThreadPool(threads: options.threads), context: context)
        scheduler = Scheduler(runner: runner, file: file, sequenceLimit: max(options.sequences, 1)) {
            () throws(InferenceError) in
            try KeyValueCache(shape: model.shape, context: context, type: options.keyValueType)
        }
    }

    /// The instruction set that the kernels use on this machine, for example `avx512`.
    public static var instructions: String { ck_kernels.fastest.title }

    /// Whether no answer is being made or waits.
    public func isIdle() async -> Bool { scheduler.isIdle }

    /// An engine of this process runs as long as the process.
    public var isRunning: Bool { true }

    deinit { scheduler.stop() }

    /// A new, empty sequence.
    ///
    /// It takes memory when it is first used.
    public func openSequence(of client: ClientID) -> SequenceID { scheduler.openSequence(of: client) }

    /// Forgets a sequence; its keys and values are zeroed as soon as no answer uses them.
    public func closeSequence(_ sequence: SequenceID) { scheduler.closeSequence(sequence) }

    /// Begins an answer.
    /// - Throws: `promptTooLong` unless the prompt leaves room for a token, `outOfRange`, `noSuchSequence`.
    public func generate(_ request: GenerationRequest) throws(InferenceError) -> Generation {
        try request.validate(context: contextLength, vocabulary: vocabularySize)
        return try scheduler.begin(request)
    }
}
