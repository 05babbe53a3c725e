import CKernels
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Inference

/// Who is answered when, and what of one sequence serves another.
struct SchedulingTests {
    /// What a scheduler made, while somebody holds it.
    private final class Made: @unchecked Sendable {
        private struct Weak { weak var cache: KeyValueCache? }
        private let all = Mutex<[Weak]>([])
        var count: Int { all.withLock(\.count) }
        var alive: Int { all.withLock { $0.count { $0.cache != nil } } }
        func add(_ cache: KeyValueCache) { all.withLock { $0.append(Weak(cache: cache)) } }
    }

    private func scheduler(
        sequences: Int = 8, kernels: UnsafePointer<ck_kernels> = ck_kernels_at(0), made: Made = Made()
    ) throws -> (Scheduler, LlamaRunner) {
        let file = try ModelFile(bytes: TinyModel.pinned(), name: "tiny")
        let model = try LlamaModel(file: file)
        let runner = try LlamaRunner(model: model, pool: ThreadPool(threads: 1), context: 128, kernels: kernels)
        let scheduler = Scheduler(runner: runner, file: file, sequenceLimit: sequences) {
            () throws(InferenceError) in
            let cache = try KeyValueCache(shape: model.shape, context: 128)
            made.add(cache)
            return cache
        }
        return (scheduler, runner)
    }

    private func begin(_ scheduler: Scheduler, _ client: UInt32, tokens: Int) throws -> Generation {
        let sequence = scheduler.openSequence(of: ClientID(connection: 0, number: client))
        return try scheduler.begin(request(in: sequence, tokens: tokens))
    }

    private func engine(context: Int = 4_096) throws -> Engine {
        let bytes = TinyModel.writer(context: context).bytes()
        return try Engine(
            file: ModelFile(bytes: TinyModel.pinned(bytes), name: "tiny"),
            options: .init(threads: 1, contextLength: context, sequences: 64))
    }

    private func request(_ engine: Engine, _ client: UInt32, _ prompt: [TokenID] = [1, 2, 3], tokens: Int)
        -> GenerationRequest
    {
        request(in: engine.openSequence(of: ClientID(connection: 0, number: client)), prompt, tokens: tokens)
    }

    private func request(in sequence: SequenceID, _ prompt: [TokenID] = [1, 2, 3], tokens: Int) -> GenerationRequest {
        GenerationRequest(
            sequence: sequence, prompt: prompt, sampling: .greedy, maxTokens: tokens, endTokens: [])
    }

    private func events(_ generation: Generation) async -> [GenerationEvent] {
        var events: [GenerationEvent] = []
        for await event in generation { events.append(event) }
        return events
    }

    private func reused(_ events: [GenerationEvent]) -> Int? {
        events.lazy.compactMap { event in if case .prefilled(let reused, _, _) = event { reused } else { nil } }.first
    }

    /// A shared memory would tell by its time what somebody else had asked.
    @Test func `nothing of one client's text is used for another, however equal it is`() async throws {
        let engine = try engine()
        let prompt = (0..<400).map { TokenID($0 * 7 % 250) }
        let first = await events(try engine.generate(request(engine, 1, prompt, tokens: 3)))
        let foreign = await events(try engine.generate(request(engine, 2, prompt, tokens: 3)))
        let own = await events(try engine.generate(request(engine, 1, prompt, tokens: 3)))
        #expect(reused(first) == 0 && reused(foreign) == 0)
        #expect(reused(own) == 384, "of the client's own other sequence, in whole blocks")
        #expect(
            first.filter(\.isToken) == own.filter(\.isToken) && first.filter(\.isToken) == foreign.filter(\.isToken))
    }

    @Test(.timeLimit(.minutes(10)))
    func `one who asks for too much is refused, and others are not`() async throws {
        let engine = try engine()
        // Readers that do not read hold their places.
        let held = try (0..<AnswerQueue.limitOfOne).map { _ in try engine.generate(request(engine, 1, tokens: 20)) }
        let refused = await events(try engine.generate(request(engine, 1, tokens: 1)))
        guard case .finished(.tooMany(isOwn: true, let seconds))? = refused.first, refused.count == 1 else {
            Issue.record("\(refused)")
            return
        }
        #expect((1...120).contains(seconds))
        let other = await events(try engine.generate(request(engine, 2, tokens: 5)))
        #expect(other.first == .accepted && other.last == .finished(.length) && other.count == 8)
        for generation in held { #expect(await events(generation).filter(\.isToken).count == 20) }
        while await !engine.isIdle() { await Task.yield() }
    }

    @Test(.timeLimit(.minutes(10)))
    func `when too many wait for everybody, all are told so`() async throws {
        let engine = try engine()
        var held: [Generation] = []
        for client in 0..<UInt32(AnswerQueue.limit / AnswerQueue.limitOfOne) {
            for _ in 0..<AnswerQueue.limitOfOne {
                held.append(try engine.generate(request(engine, client, tokens: 100)))
            }
        }
        let refused = await events(try engine.generate(request(engine, 99, tokens: 1)))
        guard case .finished(.tooMany(isOwn: false, _))? = refused.first else {
            Issue.record("\(refused)")
            return
        }
        held.removeAll()
        while await !engine.isIdle() { await Task.yield() }
        #expect(await events(try engine.generate(request(engine, 99, tokens: 1))).count == 4)
    }

    /// The engine reads nothing until all have asked, and each answer fits where it waits for its reader: no other
    /// thread has a say in how steps are shared.
    @Test func `answers that are made at the same time advance together`() async throws {
        let (scheduler, _) = try scheduler(kernels: WatchedKernels.table)
        let tokens = Mailbox.capacity - 2
        let answers = try (1...8).map { try begin(scheduler, $0, tokens: tokens) }
        WatchedKernels.open()
        for answer in answers { #expect(await events(answer).filter(\.isToken).count == tokens) }
        scheduler.stop()
        // One step for the first prompt, one for the others', and then one for a token of each.
        let read = WatchedKernels.scored(rows: TinyModel.vocabularySize)
        #expect(read.count <= tokens + 2 && read.contains(8), "\(read)")
    }

    /// Or it could have all places at once, when it reads again.
    @Test func `one who reads nothing has no more answers begun than places`() async throws {
        let made = Made()
        let (scheduler, _) = try scheduler(made: made)
        let held = try (0..<AnswerQueue.limitOfOne).map { _ in try begin(scheduler, 1, tokens: 20) }
        #expect(await events(try begin(scheduler, 2, tokens: 60)).filter(\.isToken).count == 60)
        #expect(made.count == AnswerQueue.placesOfOne + 1)
        for generation in held { #expect(await events(generation).filter(\.isToken).count == 20) }
        scheduler.stop()
    }

    @Test(.timeLimit(.minutes(10)))
    func `of many who asked at once, as many as agreed are remembered`() async throws {
        let made = Made()
        let (scheduler, _) = try scheduler(sequences: 3, made: made)
        let answers = try (1...10).map { try begin(scheduler, $0, tokens: 20) }
        for answer in answers { #expect(await events(answer).filter(\.isToken).count == 20) }
        while !scheduler.isIdle || made.alive > 3 { await Task.yield() }
        #expect(made.count == 10 && made.alive == 3)
        scheduler.stop()
    }

    @Test(.timeLimit(.minutes(10)))
    func `nothing of an answer stays in the engine when it is over, though others go on`() async throws {
        let (scheduler, runner) = try scheduler()
        let waiting = try begin(scheduler, 1, tokens: 100)
        #expect(await events(try begin(scheduler, 2, tokens: 60)).last == .finished(.length))
        // The other one's reader is behind: nothing writes there any more.
        while runner.logits(row: 0).contains(where: { $0 != 0 }) { await Task.yield() }
        #expect(!scheduler.isIdle)
        waiting.stop()
        scheduler.stop()
    }

    @Test func `prompts are read in slices that hold nobody up for long`() {
        var pace = Pace()
        #expect(pace.share(beside: 0) == Batch.columnLimit)
        #expect(pace.share(beside: 1) == 31)
        pace.record(columns: 100, .milliseconds(100))
        #expect(pace.share(beside: 1) == 95 && pace.share(beside: 7) == 89, "with them a multiple of 16")
        for _ in 0..<20 { pace.record(columns: 75, .milliseconds(750)) }
        #expect(pace.share(beside: 15) == 17)
        pace.record(columns: Batch.passageLimit, .seconds(5))
        #expect(pace.share(beside: 15) == 17 && pace.share(beside: 0) == Batch.columnLimit)
    }
}

/// The fastest kernels; they begin when the gate is opened, and what they multiply is noted.
private enum WatchedKernels {
    private static let gate = NSCondition()
    nonisolated(unsafe) private static var isOpen = false
    nonisolated(unsafe) private static var firstRows: [(columns: Int, rows: Int)] = []

    nonisolated(unsafe) static let table: UnsafePointer<ck_kernels> = {
        let table = UnsafeMutablePointer<ck_kernels>.allocate(capacity: 1)
        table.initialize(to: .fastest)
        table.pointee.multiply = { type, weights, width, first, last, x, q, columns, out, stride in
            WatchedKernels.note(columns, stride, isFirst: first == 0)
            ck_kernels.fastest.multiply(type, weights, width, first, last, x, q, columns, out, stride)
        }
        return UnsafePointer(table)
    }()

    static func open() {
        gate.withLock { isOpen = true }
        gate.broadcast()
    }

    /// Of how many tokens each step wanted the logits.
    static func scored(rows: Int) -> [Int] { gate.withLock { firstRows.filter { $0.rows == rows }.map(\.columns) } }

    private static func note(_ columns: Int, _ rows: Int, isFirst: Bool) {
        gate.withLock {
            while !isOpen { gate.wait() }
            if isFirst { firstRows.append((columns, rows)) }
        }
    }
}

extension GenerationEvent {
    fileprivate var isToken: Bool { if case .token = self { true } else { false } }
}
