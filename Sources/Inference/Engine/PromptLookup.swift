/// Guesses what follows from what followed the same tokens before, in the same sequence.
///
/// Answers that quote their input are read several tokens at a time so; a guess that is wrong costs a little and
/// changes nothing. Saxena, "Prompt Lookup Decoding", 2023.
struct PromptLookup {
    /// Most tokens that are guessed at once.
    static let limit = 7
    /// *Our choice*: tokens that must be the same before a guess; fewer are found too often.
    private static let pattern = 3
    /// Most tokens without a guess after guesses that were wrong.
    private static let longestPause = 64

    private var length = 3
    private var pause = 0
    private var nextPause = 4

    /// Appends what may follow `last`.
    /// - Parameters:
    ///   - last: follows `tokens`.
    ///   - most: how many guesses are welcome.
    mutating func guess(after last: TokenID, of tokens: [TokenID], atMost most: Int, into next: inout [TokenID]) {
        guard pause == 0 else { return pause -= 1 }
        let count = min(length, most)
        guard count > 0, tokens.count >= Self.pattern, let end = earlierEnd(of: last, in: tokens) else { return }
        let first = next.count
        for index in end + 1..<end + 1 + count {
            // What is repeated may go on into what is guessed.
            next.append(
                index < tokens.count
                    ? tokens[index] : index == tokens.count ? last : next[first + index - tokens.count - 1])
        }
    }

    /// How many of the last guesses came true.
    mutating func learn(guessed: Int, right: Int) {
        guard guessed > 0 else { return }
        if right == 0 {
            (pause, nextPause, length) = (nextPause, min(nextPause * 2, Self.longestPause), 3)
        } else {
            (nextPause, length) = (4, right == guessed ? min(2 * length + 1, Self.limit) : max(right, 1))
        }
    }

    /// The latest place before the end where the last tokens and then `last` were.
    private func earlierEnd(of last: TokenID, in tokens: [TokenID]) -> Int? {
        let before = Self.pattern - 1
        let start = tokens.count - before
        return tokens.indices.dropFirst(before).last { end in
            tokens[end] == last && (1...before).allSatisfy { tokens[end - $0] == tokens[start + before - $0] }
        }
    }
}
