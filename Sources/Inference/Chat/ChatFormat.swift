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
/// What the format writes itself becomes control tokens; what people wrote never does, so that nobody can speak for
/// another by typing `<|im_end|>`.
public enum ChatFormat: String, Sendable, CaseIterable {
    /// `<|im_start|>role⏎…<|im_end|>⏎`
    case chatML = "ChatML"
    /// `<s>[INST] <<SYS>>⏎…⏎<</SYS>>⏎⏎… [/INST] … </s>`
    case llama2 = "Llama 2"
    /// `<|start_header_id|>role<|end_header_id|>⏎⏎…<|eot_id|>`
    case llama3 = "Llama 3"
    /// `<|user|>…<|end|><|assistant|>…<|end|>`; no system messages.
    ///
    /// The built-in guide's.
    case guide = "guide"
    /// A base model without a template: the messages, one after another.
    case plain = "plain"

    private enum Part {
        case control(String)
        case text(String)
    }

    /// The control tokens that the format writes.
    var controls: [String] {
        switch self {
        case .chatML: ["<|im_start|>", "<|im_end|>"]
        case .llama2: ["<s>", "</s>"]
        case .llama3: ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
        case .guide: ["<|user|>", "<|assistant|>", "<|end|>"]
        case .plain: []
        }
    }

    /// The tokens of a conversation, open for the assistant's answer.
    public func render(_ messages: [ChatMessage], with tokenizer: Tokenizer) -> [TokenID] {
        let parts = parts(of: messages)
        var tokens: [TokenID] = []
        if self != .llama2, case .text? = parts.first {
            tokens = tokenizer.encodeWithBeginning("")
        } else if self != .llama2, self != .guide {
            tokens = tokenizer.encodeWithBeginning("")
        }
        for part in parts {
            switch part {
            case .control(let name): tokenizer.control(name).map { tokens.append($0) }
            case .text(let text): tokens += tokenizer.encode(text)
            }
        }
        return tokens
    }

    private func parts(of messages: [ChatMessage]) -> [Part] {
        switch self {
        case .chatML:
            messages.flatMap { message -> [Part] in
                [
                    .control("<|im_start|>"), .text(message.role.rawValue + "\n" + message.content),
                    .control("<|im_end|>"), .text("\n"),
                ]
            } + [.control("<|im_start|>"), .text("assistant\n")]
        case .llama3:
            messages.flatMap { message in
                header(message.role) + [.text("\n\n" + message.content), .control("<|eot_id|>")]
            } + header(.assistant) + [.text("\n\n")]
        case .llama2: llama2Parts(of: messages)
        case .guide:
            messages.filter { $0.role != .system }.flatMap { message -> [Part] in
                [.control("<|\(message.role.rawValue)|>"), .text(message.content), .control("<|end|>")]
            } + [.control("<|assistant|>")]
        case .plain:
            [.text(messages.map(\.content).joined(separator: "\n"))]
        }
    }

    private func header(_ role: ChatRole) -> [Part] {
        [.control("<|start_header_id|>"), .text(role.rawValue), .control("<|end_header_id|>")]
    }

    /// Llama 2 has no system turn of its own: it opens the first user turn.
    private func llama2Parts(of messages: [ChatMessage]) -> [Part] {
        var parts: [Part] = []
        var system = messages.filter { $0.role == .system }.map(\.content).joined(separator: "\n")
        for message in messages where message.role != .system {
            if message.role == .user {
                let frame = system.isEmpty ? "" : "<<SYS>>\n\(system)\n<</SYS>>\n\n"
                system = ""
                parts += [.control("<s>"), .text("[INST] \(frame)\(message.content) [/INST]")]
            } else {
                parts += [.text(message.content), .control("</s>")]
            }
        }
        return parts
    }
}

extension ModelFile {
    /// The file's chat format; `.plain` if it has no template.
    /// - Throws: `unknownChatFormat` for a template that is none of those known, or whose control tokens the vocabulary
    ///   lacks.
    public func makeChatFormat(_ tokenizer: Tokenizer) throws(InferenceError) -> ChatFormat {
        guard let template = metadataString("tokenizer.chat_template") else { return .plain }
        let format: ChatFormat
        if metadataString("cloister.chat_format") == "guide" {
            format = .guide
        } else if template.contains("<|im_start|>") {
            format = .chatML
        } else if template.contains("<|start_header_id|>") {
            format = .llama3
        } else if template.contains("[INST]"), template.contains("<<SYS>>") {
            format = .llama2
        } else {
            throw .unknownChatFormat
        }
        guard format.controls.allSatisfy({ tokenizer.control($0) != nil }) else { throw .unknownChatFormat }
        return format
    }
}
