/// What can go wrong in this room.
///
/// Payloads name fields and types of a model file, never a user's text.
public enum InferenceError: Error, Equatable, Sendable, Codable {
    /// The file cannot be opened or mapped; carries `errno`.
    case cannotOpen(code: Int32)
    /// The file does not start with `GGUF`, or its version is not 2 or 3.
    case notGGUF
    /// The file ends before what it announces.
    case truncated
    /// A field has a value that cannot be; names the field.
    case malformed(String)
    /// An architecture this engine does not run; its name from the file, at most 64 characters.
    case unsupportedArchitecture(String)
    /// A tensor type this engine does not run; its GGUF id.
    case unsupportedTensorType(UInt32)
    /// A tokenizer or pre-tokenizer this engine does not know; its name from the file, at most 64 characters.
    case unsupportedTokenizer(String)
    /// The file's chat template is none that this engine knows.
    case unknownChatFormat
    /// The prompt does not fit the context.
    case promptTooLong(tokens: Int, limit: Int)
    /// Memory for a sequence could not be had.
    case outOfMemory
    /// A sampling value or limit out of its range; names it.
    case outOfRange(String)
    /// No sequence of this name.
    case noSuchSequence
    /// Too many answers are made or wait: `isOwn` for who asked, else for everybody; seconds after which to ask again.
    case tooMany(isOwn: Bool, seconds: Int)
    /// The engine's process has ended.
    case engineGone
    /// The file ended the process that read it.
    case fatal
}

extension InferenceError: CustomStringConvertible {
    private static let tensorTypes = TensorType.allCases.map { TensorType.name($0.rawValue) }.joined(separator: ", ")
    private static let chatFormats = ChatFormat.allCases.filter { $0 != .guide && $0 != .plain }.map(\.rawValue)
        .joined(separator: ", ")

    /// One sentence for a person.
    public var description: String {
        switch self {
        case .cannotOpen(let code): "the model file cannot be opened (error \(code))"
        case .notGGUF: "this is not a GGUF file of version 2 or 3"
        case .truncated: "the model file is incomplete: it ends before what it announces"
        case .malformed(let field): "the model file is damaged or not made for this: \(field)"
        case .unsupportedArchitecture(let name):
            "models of architecture \"\(name)\" are not supported yet; llama and qwen2 are"
        case .unsupportedTensorType(let id):
            "tensors of type \(TensorType.name(id)) are not supported yet; \(Self.tensorTypes) are"
        case .unsupportedTokenizer(let name):
            "the tokenizer \"\(name)\" is not supported yet; SentencePiece and the splittings of Llama 3, Qwen 2, GPT-2, SmolLM, StarCoder, Falcon and DeepSeek are"
        case .unknownChatFormat: "the model's chat template is none of those known: \(Self.chatFormats)"
        case .promptTooLong(let tokens, let limit): "\(tokens) tokens do not fit the context of \(limit)"
        case .outOfMemory: "not enough memory for the conversation"
        case .outOfRange(let name): "\(name) is out of range"
        case .noSuchSequence: "the conversation is not open in the engine"
        case .tooMany(true, let seconds):
            "you are waiting for too many answers already; ask again in \(seconds) s, or when one is there"
        case .tooMany(false, let seconds): "too many people are waiting for an answer; ask again in \(seconds) s"
        case .engineGone: "the model's process has ended"
        case .fatal: "the model file ended the process that read it; it is damaged, or was changed meanwhile"
        }
    }
}
