import CKernels

/// What is read in one step: tokens of some sequences side by side, a column each.
///
/// Made once; filled, read and cleared for each step without taking memory. The engine's thread only.
final class Batch {
    /// Most tokens of a step.
    ///
    /// *Our choice*: large enough that a weight row is unpacked once for many tokens, small enough to stop within a
    /// fraction of a second.
    static let columnLimit = 128
    /// Most sequences of a step.
    ///
    /// *Our choice*: more answers at once would each become too slow to be read as they come.
    static let passageLimit = 16
    /// Most tokens of a step whose logits are wanted.
    static let scoreLimit = 32

    /// Some tokens of one sequence, behind what its cache holds.
    struct Passage {
        let cache: KeyValueCache
        /// Where its tokens are in the batch.
        let columns: Range<Int>
        /// The position of the first in its sequence.
        let position: Int
        /// Of how many tokens, counted from the last, the logits are wanted.
        let scored: Int
    }

    private(set) var tokens: [TokenID] = []
    private(set) var passages: [Passage] = []
    /// Rows of logits that will come of it.
    private(set) var scores = 0

    init() {
        tokens.reserveCapacity(Self.columnLimit)
        passages.reserveCapacity(Self.passageLimit)
    }

    /// How many more tokens fit.
    var room: Int { passages.count < Self.passageLimit ? Self.columnLimit - tokens.count : 0 }

    /// Adds tokens that follow what the cache holds.
    /// - Parameters:
    ///   - more: 1 to `room` tokens that are in the vocabulary and fit the context.
    ///   - cache: of a sequence that has no tokens in the batch yet.
    ///   - scored: of how many of them, counted from the last, logits are wanted.
    /// - Returns: the rows of logits that are theirs.
    @discardableResult
    func add(_ more: some Collection<TokenID>, to cache: KeyValueCache, scored: Int) -> Range<Int> {
        let position = cache.tokens.count
        precondition(
            (1...room).contains(more.count) && position + more.count <= cache.context && scored <= more.count
                && scores + scored <= Self.scoreLimit, "the batch has no room")
        let first = tokens.count
        tokens += more
        passages.append(
            Passage(cache: cache, columns: first..<tokens.count, position: position, scored: scored))
        scores += scored
        return scores - scored..<scores
    }

    /// Says that what was added has been read.
    func finish() {
        for passage in passages { passage.cache.append(tokens[passage.columns]) }
    }

    /// Forgets everything; the tokens are overwritten.
    func clear() {
        tokens.withUnsafeMutableBytes { ck_wipe($0.baseAddress, $0.count) }
        tokens.removeAll(keepingCapacity: true)
        passages.removeAll(keepingCapacity: true)
        scores = 0
    }
}
