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
    /// - Parameters:
    ///   - beginning: what the answer begins with already.
    ///   - budget: tokens that the prompt may take.
    /// - Throws: `promptTooLong` if what must stay does not fit.
    public func fit(
        _ messages: [ChatMessage], beginning: String = "", with tokenizer: Tokenizer, budget: Int
    ) throws(InferenceError) -> FittedPrompt {
        let whole = render(messages, beginning: beginning, with: tokenizer)
        if whole.count <= budget { return FittedPrompt(tokens: whole, droppedMessages: 0) }
        let frame = messages.filter { $0.role == .system }
        let turns = messages.filter { $0.role != .system }
        let cuts = turns.indices.dropFirst().filter { turns[$0].role == .user || $0 == turns.count - 1 }
        func rendered(from cut: Int) -> [TokenID] {
            render(frame + turns[cut...], beginning: beginning, with: tokenizer)
        }
        for limit in [budget / 2, budget] {
            guard let cut = cuts.first(inOrder: { rendered(from: $0).count <= limit }) else { continue }
            return FittedPrompt(tokens: rendered(from: cut), droppedMessages: cut)
        }
        throw .promptTooLong(tokens: cuts.last.map { rendered(from: $0).count } ?? whole.count, limit: budget)
    }
}

extension [Int] {
    /// The first element that satisfies a condition which, once true, stays true; asks it log n times.
    fileprivate func first(inOrder holds: (Int) -> Bool) -> Int? {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low < endIndex ? self[low] : nil
    }
}
