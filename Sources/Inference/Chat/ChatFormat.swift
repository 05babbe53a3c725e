/// Who speaks in a conversation.
public enum ChatRole: String, Sendable {
    /// An instruction that frames the conversation.
    case system
    /// The person.
    case user
    /// The model.
    case assistant
}

/// One message of a conversation.
public struct ChatMessage: Sendable, Equatable {
    /// Who speaks.
    public var role: ChatRole
    /// What is said.
    public var content: String

    /// A message.
    public init(role: ChatRole, content: String) { (self.role, self.content) = (role, content) }
}

/// How a model wants a conversation written: recognised from its own template, never guessed, and never run as code.
///
/// What the format writes itself becomes control tokens where the model has them; what people wrote never does, so that
/// nobody can speak for another by typing `<|im_end|>`. (Llama 2, the first Mistral and Zephyr mark turns with plain
/// text, which anybody can type.)
public enum ChatFormat: String, Codable, Sendable, CaseIterable {
    /// `<|im_start|>role⏎…<|im_end|>⏎`
    case chatML = "ChatML"
    /// `<s>[INST] <<SYS>>⏎…⏎<</SYS>>⏎⏎… [/INST] … </s>`
    case llama2 = "Llama 2"
    /// `<|start_header_id|>role<|end_header_id|>⏎⏎…<|eot_id|>`
    case llama3 = "Llama 3"
    /// `[INST] … [/INST] …</s>`, with control tokens where the vocabulary has them.
    case mistral = "Mistral"
    /// `<|role|>⏎…</s>⏎`
    case zephyr = "Zephyr"
    /// `<|role|>⏎…<|end|>⏎`
    case phi3 = "Phi-3"
    /// `<start_of_turn>user⏎…<end_of_turn>⏎`; the assistant is called `model`.
    case gemma = "Gemma"
    /// `<|user|>…<|end|><|assistant|>…<|end|>`; no system messages.
    ///
    /// The built-in guide's.
    case guide = "guide"
    /// A base model without a template: the messages, one after another.
    case plain = "plain"

    /// The control tokens without which the format cannot be written.
    var controls: [String] {
        switch self {
        case .chatML: ["<|im_start|>", "<|im_end|>"]
        case .llama2: ["<s>", "</s>"]
        case .llama3: ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
        case .phi3, .guide: ["<|user|>", "<|assistant|>", "<|end|>"]
        case .gemma: ["<start_of_turn>", "<end_of_turn>"]
        case .mistral, .zephyr, .plain: []
        }
    }

    /// Recognises a template by the marks that only its format has.
    init?(template: String) {
        let marks: [(ChatFormat, all: [String], none: [String])] = [
            (.chatML, ["<|im_start|>"], ["<|im_sep|>"]),
            (.llama3, ["<|start_header_id|>"], []),
            (.llama2, ["[INST]", "<<SYS>>"], []),
            (.mistral, ["[INST]"], []),
            (.phi3, ["<|assistant|>", "<|end|>"], []),
            (.zephyr, ["<|user|>", "<|assistant|>", "eos_token"], []),
            (.gemma, ["<start_of_turn>"], []),
        ]
        let known = marks.first { _, all, none in
            all.allSatisfy(template.contains) && !none.contains(where: template.contains)
        }
        guard let known else { return nil }
        self = known.0
    }
}

extension ModelFile {
    /// The file's chat format; `.plain` if it has no template.
    /// - Throws: `unknownChatFormat` for a template that is none of those known, or whose control tokens the vocabulary
    ///   lacks.
    public func makeChatFormat(_ tokenizer: Tokenizer) throws(InferenceError) -> ChatFormat {
        guard let template = metadataString("tokenizer.chat_template") else { return .plain }
        let isGuide = metadataString("cloister.chat_format") == "guide"
        guard let format = isGuide ? .guide : ChatFormat(template: template),
            format.controls.allSatisfy({ tokenizer.control($0) != nil })
        else { throw .unknownChatFormat }
        return format
    }
}
