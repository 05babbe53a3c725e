/// A conversation as tokens, cut to what fits.
public struct FittedPrompt: Sendable, Equatable {
    /// The prompt.
    public let tokens: [TokenID]
    /// How many of the oldest messages the model does not see.
    public let droppedMessages: Int
}

extension ChatFormat {
    /// Drops the oldest messages until the prompt fits.
    ///
    /// System messages and the last message stay.
    ///
    /// Half of the budget is freed at once: were it one message at a time, every later turn would begin differently and
    /// nothing of the one
    /// before could be reused.
    /// - Parameter budget: tokens that the prompt may take.
    /// - Throws: `promptTooLong` if what must stay does not fit.
    public func fit(
        _ messages: [ChatMessage], with tokenizer: Tokenizer, budget: Int
    ) throws(InferenceError) -> FittedPrompt {
        let whole = render(messages, with: tokenizer)
        if whole.count <= budget { return FittedPrompt(tokens: whole, droppedMessages: 0) }
        let frame = messages.filter { $0.role == .system }
        let turns = messages.filter { $0.role != .system }
        var smallest = whole.count
        for limit in [budget / 2, budget] {
            for dropped in turns.indices.dropLast() where turns[dropped + 1].role == .user || dropped + 2 == turns.count
            {
                let tokens = render(frame + turns[(dropped + 1)...], with: tokenizer)
                smallest = tokens.count
                if tokens.count <= limit { return FittedPrompt(tokens: tokens, droppedMessages: dropped + 1) }
            }
        }
        throw .promptTooLong(tokens: smallest, limit: budget)
    }
}
