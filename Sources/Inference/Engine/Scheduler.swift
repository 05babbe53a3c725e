import Foundation

/// The engine's one thread: takes the answers that are being made in turns, a chunk of a prompt or a token each.
final class Scheduler: @unchecked Sendable {
    private let condition = NSCondition()
    // Guarded by `condition`:
    private var arrivals: [Answer] = []
    private var unfinished = 0
    private var sequences: [SequenceID: SequenceSlot] = [:]
    private var nextNumber: UInt64 = 1
    private var isStopping = false
    private var hasNews = false

    // The engine's thread only:
    private let runner: LlamaRunner
    private let file: ModelFile
    private let sequenceLimit: Int
    private let makeCache: () throws(InferenceError) -> KeyValueCache

    /// A sequence's memory, or none yet.
    final class SequenceSlot {
        var cache: KeyValueCache?
        var lastUse: UInt64 = 0
        var isBusy = false
    }

    private var clock: UInt64 = 0

    init(
        runner: LlamaRunner, file: ModelFile, sequenceLimit: Int,
        makeCache: @escaping () throws(InferenceError) -> KeyValueCache
    ) {
        (self.runner, self.file, self.sequenceLimit, self.makeCache) = (runner, file, sequenceLimit, makeCache)
        let thread = Thread { [self] in loop() }
        thread.name = "engine"
        thread.stackSize = 1 << 20
        thread.start()
    }

    func openSequence() -> SequenceID {
        locked {
            let id = SequenceID(number: nextNumber)
            nextNumber += 1
            sequences[id] = SequenceSlot()
            return id
        }
    }

    func closeSequence(_ id: SequenceID) { locked { sequences[id] = nil } }

    func begin(_ request: GenerationRequest) throws(InferenceError) -> Generation {
        let mailbox = Mailbox { [weak self] in self?.wake() }
        let known = locked { () -> Bool in
            guard let slot = sequences[request.sequence] else { return false }
            arrivals.append(Answer(request: request, slot: slot, mailbox: mailbox))
            unfinished += 1
            hasNews = true
            condition.signal()
            return true
        }
        guard known else { throw .noSuchSequence }
        return Generation(mailbox)
    }

    var isIdle: Bool { locked { unfinished == 0 } }

    func stop() {
        locked {
            isStopping = true
            condition.signal()
        }
    }

    private func wake() {
        locked {
            hasNews = true
            condition.signal()
        }
    }

    private func locked<T>(_ body: () -> T) -> T {
        condition.lock()
        defer { condition.unlock() }
        return body()
    }

    private func loop() {
        var active: [Answer] = []
        while let arrived = waitForWork(active) {
            active += arrived
            for answer in active where answer.isRunnable { step(answer) }
            let count = active.count
            active.removeAll { answer in
                if answer.isOver || answer.mailbox.isCancelled {
                    answer.release()
                    return true
                }
                return false
            }
            if active.isEmpty { runner.wipe() }
            locked { unfinished -= count - active.count }
        }
        for answer in active + locked({ arrivals }) { answer.mailbox.cancel() }
    }

    /// Sleeps until something can be done; nil when the engine is to stop.
    private func waitForWork(_ active: [Answer]) -> [Answer]? {
        locked {
            while !isStopping, arrivals.isEmpty, !hasNews, !active.contains(where: \.isRunnable) { condition.wait() }
            guard !isStopping else { return nil }
            hasNews = false
            defer { arrivals = [] }
            return arrivals
        }
    }

    private func step(_ answer: Answer) {
        guard answer.mayUseSequence else { return }
        if answer.cache == nil {
            do {
                answer.cache = try takeCache(of: answer.slot)
            } catch {
                answer.end(.outOfMemory)
                return
            }
        }
        answer.step(runner)
    }

    /// The memory of a sequence; over the limit, that of the idle one unused for longest is wiped for it.
    private func takeCache(of slot: SequenceSlot) throws(InferenceError) -> KeyValueCache {
        clock += 1
        slot.lastUse = clock
        if let cache = slot.cache { return cache }
        let idle = locked { sequences.values.filter { $0.cache != nil && !$0.isBusy } }
        if idle.count >= sequenceLimit, let oldest = idle.min(by: { $0.lastUse < $1.lastUse }) { oldest.cache = nil }
        let cache = try makeCache()
        slot.cache = cache
        return cache
    }
}

/// One answer being made; the engine's thread only.
final class Answer: @unchecked Sendable {
    let slot: Scheduler.SequenceSlot
    let mailbox: Mailbox
    var cache: KeyValueCache?
    private(set) var isOver = false
    private let request: GenerationRequest
    private let asked = ContinuousClock.now
    private var sampler: Sampler
    private var made = 0
    private var reused: Int?
    private var holdsSequence = false
    private var next: TokenID?

    init(request: GenerationRequest, slot: Scheduler.SequenceSlot, mailbox: Mailbox) {
        (self.request, self.slot, self.mailbox) = (request, slot, mailbox)
        sampler = Sampler(request.sampling)
    }

    var isRunnable: Bool { !isOver && (mailbox.isCancelled || !mailbox.isFull) && (holdsSequence || !slot.isBusy) }

    /// Two answers of one sequence follow one another.
    var mayUseSequence: Bool {
        if holdsSequence { return true }
        guard !slot.isBusy else { return false }
        slot.isBusy = true
        holdsSequence = true
        return true
    }

    func release() {
        if holdsSequence { slot.isBusy = false }
        holdsSequence = false
    }

    func end(_ reason: FinishReason) {
        isOver = true
        mailbox.post(.finished(reason))
    }

    /// Reads a chunk of the prompt, or makes one token.
    func step(_ runner: LlamaRunner) {
        guard let cache, !mailbox.isCancelled else { return }
        if reused == nil {
            // The last token is always read anew: its logits are what the answer starts from.
            let common = min(cache.commonPrefix(with: request.prompt), request.prompt.count - 1)
            cache.truncate(to: common)
            reused = common
        }
        let done = cache.tokens.count
        guard let logits = read(runner, cache) else { return }
        if done < request.prompt.count, let reused {
            let waited = (ContinuousClock.now - asked) / .nanoseconds(1)
            mailbox.post(
                .prefilled(
                    reused: reused, evaluated: request.prompt.count - reused, nanoseconds: UInt64(max(waited, 0))))
        }
        choose(logits, cache)
    }

    /// - Returns: logits once the whole prompt has been read.
    private func read(_ runner: LlamaRunner, _ cache: KeyValueCache) -> UnsafeBufferPointer<Float>? {
        if let next { return runner.read([next], into: cache, wantsLogits: true) }
        let start = cache.tokens.count
        let end = min(start + LlamaRunner.chunkLimit, request.prompt.count)
        return runner.read(request.prompt[start..<end], into: cache, wantsLogits: end == request.prompt.count)
    }

    private func choose(_ logits: UnsafeBufferPointer<Float>, _ cache: KeyValueCache) {
        let token = sampler.next(logits, recent: cache.tokens)
        if request.endTokens.contains(token) { return end(.endOfSequence) }
        made += 1
        next = token
        mailbox.post(.token(token))
        if made == request.maxTokens { return end(.length) }
        if cache.tokens.count >= cache.context { return end(.contextFull) }
    }
}
