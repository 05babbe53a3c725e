extension ChatFormat {
    private enum Part {
        /// A control token, or nothing where the vocabulary has none of that name.
        case control(String)
        case text(String)
        /// The token that ends a sequence.
        case end
    }

    /// The tokens of a conversation, open for the assistant's answer.
    /// - Parameter beginning: what the answer begins with already.
    public func render(
        _ messages: [ChatMessage], beginning: String = "", with tokenizer: Tokenizer
    ) -> [TokenID] {
        var tokens = self == .llama2 || self == .guide ? [] : tokenizer.encodeWithBeginning("")
        // Neighbouring texts are one text: a tokenizer may merge across them, and begins each with a space of its own.
        var text = ""
        func endText() {
            if !text.isEmpty { tokens += tokenizer.encode(text) }
            text = ""
        }
        for part in parts(of: messages, with: tokenizer) + [.text(beginning)] {
            if case .text(let more) = part {
                text += more
                continue
            }
            endText()
            if case .control(let name) = part { tokenizer.control(name).map { tokens.append($0) } }
            if case .end = part { tokenizer.endOfSequence.map { tokens.append($0) } }
        }
        endText()
        return tokens
    }

    private func parts(of messages: [ChatMessage], with tokenizer: Tokenizer) -> [Part] {
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
        case .llama2: llama2(messages)
        case .mistral: mistral(messages, hasControls: tokenizer.control("[INST]") != nil)
        case .zephyr:
            messages.flatMap { message -> [Part] in
                [.text("<|\(message.role.rawValue)|>\n" + message.content), .end, .text("\n")]
            } + [.text("<|assistant|>\n")]
        // Phi-3's tokenizer drops the line breaks that its template writes behind control tokens.
        case .phi3: bars(messages)
        case .gemma:
            withSystemInFirstTurn(messages).flatMap { message -> [Part] in
                [
                    .control("<start_of_turn>"),
                    .text((message.role == .user ? "user\n" : "model\n") + message.content),
                    .control("<end_of_turn>"), .text("\n"),
                ]
            } + [.control("<start_of_turn>"), .text("model\n")]
        case .guide: bars(messages.filter { $0.role != .system })
        case .plain: [.text(messages.map(\.content).joined(separator: "\n"))]
        }
    }

    private func bars(_ messages: [ChatMessage]) -> [Part] {
        messages.flatMap { message -> [Part] in
            [.control("<|\(message.role.rawValue)|>"), .text(message.content), .control("<|end|>")]
        } + [.control("<|assistant|>")]
    }

    private func header(_ role: ChatRole) -> [Part] {
        [.control("<|start_header_id|>"), .text(role.rawValue), .control("<|end_header_id|>")]
    }

    /// Llama 2 has no system turn of its own: it opens the first user turn.
    private func llama2(_ messages: [ChatMessage]) -> [Part] {
        withSystemInFirstTurn(messages) { "<<SYS>>\n\($0)\n<</SYS>>\n\n" }.flatMap { message -> [Part] in
            message.role == .user
                ? [.control("<s>"), .text("[INST] \(message.content) [/INST]")]
                : [.text(" \(message.content) "), .control("</s>")]
        }
    }

    private func mistral(_ messages: [ChatMessage], hasControls: Bool) -> [Part] {
        withSystemInFirstTurn(messages).flatMap { message -> [Part] in
            switch (message.role, hasControls) {
            case (.user, true): [.control("[INST]"), .text(message.content), .control("[/INST]")]
            case (.user, false): [.text("[INST] \(message.content) [/INST]")]
            case (_, true): [.text(message.content), .end]
            case (_, false): [.text(" " + message.content), .end]
            }
        }
    }

    /// The conversation without system messages: what they say stands before the first user's words.
    private func withSystemInFirstTurn(
        _ messages: [ChatMessage], framed: (String) -> String = { $0 + "\n\n" }
    ) -> [ChatMessage] {
        let system = messages.filter { $0.role == .system }.map(\.content).joined(separator: "\n")
        var turns = messages.filter { $0.role != .system }
        if !system.isEmpty, let first = turns.firstIndex(where: { $0.role == .user }) {
            turns[first].content = framed(system) + turns[first].content
        }
        return turns
    }
}
