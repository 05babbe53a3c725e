import Foundation

/// The engine's one thread: reads what all answers need next as one batch, step by step.
///
/// Those that write get a token each in every step. Prompts share what is left of it, in slices so small that nobody who
/// writes is held up. Nothing is known of one sequence in another.
final class Scheduler: @unchecked Sendable {
    private let condition = NSCondition()
    // Guarded by `condition`:
    private var arrivals: [Answer] = []
    private var queue = AnswerQueue()
    private var sequences: [SequenceID: SequenceSlot] = [:]
    private var nextNumber: UInt64 = 1
    private var isStopping = false
    private var hasNews = false

    // The engine's thread only:
    private var waiting: [Answer] = []
    private var running: [Answer] = []
    /// Where the next batch begins among those that run.
    private var turn = 0
    private var pace = Pace()
    private var clock: UInt64 = 0
    private let runner: LlamaRunner
    private let file: ModelFile
    private let sequenceLimit: Int
    private let makeCache: () throws(InferenceError) -> KeyValueCache

    init(
        runner: LlamaRunner, file: ModelFile, sequenceLimit: Int,
        makeCache: @escaping () throws(InferenceError) -> KeyValueCache
    ) {
        (self.runner, self.file, self.sequenceLimit, self.makeCache) = (runner, file, sequenceLimit, makeCache)
        let thread = Thread { [self] in loop() }
        thread.stackSize = 1 << 20
        thread.start()
    }

    func openSequence(of client: ClientID) -> SequenceID {
        locked {
            let id = SequenceID(number: nextNumber)
            nextNumber += 1
            sequences[id] = SequenceSlot(client: client)
            return id
        }
    }

    func closeSequence(_ id: SequenceID) {
        // Its memory is zeroed when the lock is free again.
        _ = locked { sequences.removeValue(forKey: id) }
    }

    func begin(_ request: GenerationRequest) throws(InferenceError) -> Generation {
        let mailbox = Mailbox { [weak self] in self?.wake() }
        let known = locked { () -> Bool in
            guard let slot = sequences[request.sequence] else { return false }
            if let refusal = queue.enter(slot.client) {
                mailbox.post(.finished(refusal))
            } else {
                mailbox.post(.accepted)
                arrivals.append(Answer(request: request, slot: slot, mailbox: mailbox))
                hasNews = true
                condition.signal()
            }
            return true
        }
        guard known else { throw .noSuchSequence }
        return Generation(mailbox)
    }

    var isIdle: Bool { locked { queue.isEmpty } }

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
        Thread.current.name = "engine"
        while waitForWork() {
            letGo()
            admit()
            fill()
            guard !runner.batch.passages.isEmpty else { continue }
            let (columns, start) = (runner.batch.tokens.count, ContinuousClock.now)
            runner.read()
            pace.record(columns: columns, .now - start)
            for answer in running { answer.take(from: runner) }
            letGo()
        }
        for answer in running + waiting + locked({ arrivals }) { answer.mailbox.cancel() }
        runner.wipe()
    }

    /// Sleeps until something can be done.
    /// - Returns: false when the engine is to stop.
    private func waitForWork() -> Bool {
        locked {
            while !isStopping, arrivals.isEmpty, !hasNews, !running.contains(where: { $0.look() }), nextInLine == nil {
                condition.wait()
            }
            hasNews = false
            waiting += arrivals
            arrivals.removeAll()
            return !isStopping
        }
    }

    /// Parts with answers that are over, or whose readers went away, and with all that was computed for them.
    private func letGo() {
        let begun = running.count
        for answer in running where !answer.look() && answer.isOver {
            answer.slot.isBusy = false
            touch(answer.slot)
            leave(answer)
        }
        for answer in waiting where !answer.look() && answer.isOver { leave(answer) }
        running.removeAll(where: \.isOver)
        waiting.removeAll(where: \.isOver)
        guard running.count < begun else { return }
        runner.wipe()
        keepIdle(sequenceLimit)
    }

    private func leave(_ answer: Answer) { locked { queue.leave(answer.slot.client, after: .now - answer.arrived) } }

    /// Gives free places to those who wait.
    private func admit() {
        while let index = nextInLine {
            let answer = waiting.remove(at: index)
            do {
                let cache = try takeCache(of: answer.slot)
                answer.begin(with: cache, others: others(than: answer.slot))
                answer.slot.isBusy = true
                answer.look()
                running.append(answer)
            } catch {
                answer.end(.outOfMemory)
                leave(answer)
            }
        }
    }

    /// What the same client's other sequences remember: nobody else's is ever looked at, or its being there would tell
    /// what others asked.
    private func others(than slot: SequenceSlot) -> [KeyValueCache] {
        locked { sequences.values.filter { $0 !== slot && $0.client == slot.client }.compactMap(\.cache) }
    }

    /// Whose turn it is to begin: of the client that has begun fewest, the first.
    ///
    /// Two answers of one sequence follow one another. Who waits for a reader takes no place, but counts for its client:
    /// or one that reads nothing for a while, and then everything, would have all places.
    private var nextInLine: Int? {
        guard running.count(where: \.isRunnable) < AnswerQueue.places else { return nil }
        func begun(_ index: Int) -> Int { running.count { $0.slot.client == waiting[index].slot.client } }
        return waiting.indices.filter { !waiting[$0].slot.isBusy && begun($0) < AnswerQueue.placesOfOne }
            .min { begun($0) < begun($1) }
    }

    /// Puts together what is read next; whoever finds no room in the batch is first in the next one.
    private func fill() {
        let writers = running.count { $0.isRunnable && $0.isWriting }
        // Guesses pay while the weights, not the processor, are waited for.
        let guesses = writers == 1 ? PromptLookup.limit : 0
        // One passage is kept for those who read a prompt.
        let reads = running.contains { $0.isRunnable && !$0.isWriting }
        let limit = Batch.passageLimit - (reads ? 1 : 0)
        var seen = 0
        while seen < running.count, runner.batch.passages.count < limit {
            let answer = running[(turn + seen) % running.count]
            if answer.isRunnable && answer.isWriting { answer.write(into: runner.batch, guesses: guesses) }
            seen += 1
        }
        turn = running.isEmpty ? 0 : (turn + seen) % running.count
        let readers = running.lazy.filter { $0.isRunnable && !$0.isWriting }
        guard let first = readers.first else { return }
        let most = pace.share(beside: runner.batch.tokens.count)
        share(most, first, readers.dropFirst().sorted { $0.unread < $1.unread })
    }

    /// Shares out how much of prompts is read next: half is for who came first, so that nobody waits for ever, and the
    /// rest for the shortest, which soon write.
    private func share(_ all: Int, _ first: Answer, _ others: [Answer]) {
        var left = min(all, runner.batch.room)
        func add(_ reader: Answer, atMost most: Int) {
            let share = min(most, reader.unread, left)
            guard share > 0, runner.batch.room > 0 else { return }
            reader.read(share, into: runner.batch)
            left -= share
        }
        add(first, atMost: max((left + 1) / 2, left - others.reduce(0) { $0 + $1.unread }))
        for reader in others { add(reader, atMost: left) }
    }

    /// The memory of a sequence; idle ones make room for it.
    private func takeCache(of slot: SequenceSlot) throws(InferenceError) -> KeyValueCache {
        touch(slot)
        if let cache = slot.cache { return cache }
        keepIdle(sequenceLimit - 1)
        let cache = try makeCache()
        slot.cache = cache
        return cache
    }

    private func touch(_ slot: SequenceSlot) {
        clock += 1
        slot.lastUse = clock
    }

    /// Wipes the memory of sequences that are idle, but for the `count` used last.
    private func keepIdle(_ count: Int) {
        let idle = locked { sequences.values.filter { $0.cache != nil && !$0.isBusy } }
        guard idle.count > count else { return }
        for slot in idle.sorted(by: { $0.lastUse < $1.lastUse }).dropLast(count) { slot.cache = nil }
    }
}

/// A sequence's memory, or none yet.
final class SequenceSlot {
    let client: ClientID
    var cache: KeyValueCache?
    var lastUse: UInt64 = 0
    var isBusy = false

    init(client: ClientID) { self.client = client }
}
