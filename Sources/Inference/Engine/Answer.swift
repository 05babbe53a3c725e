/// One answer being made; the engine's thread only.
final class Answer: @unchecked Sendable {
    let slot: SequenceSlot
    let mailbox: Mailbox
    let arrived = ContinuousClock.now
    private(set) var isOver = false
    /// Whether it can go on: its reader is there, and not behind.
    private(set) var isRunnable = false
    private let request: GenerationRequest
    private var sampler: Sampler
    private var lookup = PromptLookup()
    private var cache: KeyValueCache?
    private var reused = 0
    private var made = 0
    /// The token that was chosen last and is not read yet, and guesses of what follows it.
    private var next: [TokenID] = []
    /// The rows of logits that the batch will give it.
    private var rows = 0..<0

    init(request: GenerationRequest, slot: SequenceSlot, mailbox: Mailbox) {
        (self.request, self.slot, self.mailbox) = (request, slot, mailbox)
        sampler = Sampler(request.sampling)
    }

    /// Whether its prompt has been read.
    var isWriting: Bool { !next.isEmpty }
    /// Tokens of the prompt that are still to be read.
    var unread: Int { isWriting ? 0 : request.prompt.count - (cache?.tokens.count ?? 0) }

    /// Looks after its reader.
    /// - Returns: `isRunnable`.
    @discardableResult func look() -> Bool {
        isOver = isOver || mailbox.isCancelled
        isRunnable = !isOver && !mailbox.isFull
        return isRunnable
    }

    /// Takes the sequence's memory, and keeps of it what is the beginning of the prompt.
    /// - Parameter others: of the same client; the beginning is copied from the one that has more of it.
    func begin(with cache: KeyValueCache, others: [KeyValueCache]) {
        // The last token is always read anew: its logits are what the answer starts from.
        let prompt = request.prompt.dropLast()
        cache.truncate(to: cache.commonPrefix(with: prompt))
        for other in others { cache.copy(other.commonPrefix(with: prompt), from: other) }
        reused = cache.tokens.count
        self.cache = cache
        next.reserveCapacity(PromptLookup.limit + 1)
    }

    func end(_ reason: FinishReason) {
        isOver = true
        mailbox.post(.finished(reason))
    }

    /// Puts at most `share` tokens of its prompt into the batch.
    func read(_ share: Int, into batch: Batch) {
        guard let cache else { return }
        let start = cache.tokens.count
        let end = min(start + share, request.prompt.count)
        rows = batch.add(request.prompt[start..<end], to: cache, scored: end == request.prompt.count ? 1 : 0)
    }

    /// Puts the token that was chosen last into the batch, and at most `guesses` that may follow it.
    func write(into batch: Batch, guesses: Int) {
        guard let cache else { return }
        next.removeSubrange(1...)
        let welcome = request.guesses ? min(guesses, roomForGuesses(cache)) : 0
        lookup.guess(after: next[0], of: cache.tokens, atMost: welcome, into: &next)
        rows = batch.add(next, to: cache, scored: next.count)
    }

    /// A guess must leave room for the token that is chosen after it.
    private func roomForGuesses(_ cache: KeyValueCache) -> Int {
        max(min(request.maxTokens - made, cache.context - cache.tokens.count) - 1, 0)
    }

    /// Takes what the batch gave: chooses the next token, and goes on as long as it was guessed.
    func take(from runner: LlamaRunner) {
        guard let cache, !rows.isEmpty else { return }
        if !isWriting { tellPrompt() }
        let first = cache.tokens.count - rows.count
        for (index, row) in rows.enumerated() {
            let seen = first + index + 1
            let chosen = sampler.next(runner.logits(row: row), recent: cache.tokens[..<seen])
            say(chosen, contextIsFull: seen >= cache.context)
            let wasGuessed = index + 1 < next.count && next[index + 1] == chosen
            if !wasGuessed || isOver {
                lookup.learn(guessed: rows.count - 1, right: index)
                cache.truncate(to: seen)
                next.removeAll(keepingCapacity: true)
                next.append(chosen)
                break
            }
        }
        rows = 0..<0
    }

    private func say(_ token: TokenID, contextIsFull: Bool) {
        if request.endTokens.contains(token) { return end(.endOfSequence) }
        made += 1
        mailbox.post(.token(token))
        if made == request.maxTokens { end(.length) } else if contextIsFull { end(.contextFull) }
    }

    private func tellPrompt() {
        let waited = (ContinuousClock.now - arrived) / .nanoseconds(1)
        mailbox.post(
            .prefilled(reused: reused, evaluated: request.prompt.count - reused, nanoseconds: UInt64(max(waited, 0))))
    }
}
