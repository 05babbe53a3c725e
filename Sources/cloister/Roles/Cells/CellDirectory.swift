import Cell
import Channel
import Confinement
import Cryptography
import Foundation
import Inference
import Seams

/// The supervisor's part in people's cells: starts their processes, and knows which is whose.
///
/// It holds the node's identity and the keys of offers, and sees neither passphrases nor what any cell holds.
actor CellDirectory {
    private struct Entry {
        let child: Child
        var name: CellName?
    }

    private let shelf: Shelf
    private let lookupKey: [UInt8]
    private let range: SelfTestRange
    /// Where the processes of cells are, if they are not here.
    private let elsewhere: CellsElsewhere?
    private let stretching = StretchLine()
    private var setup = Alone(setupToken: nil)
    private var evidence: @Sendable () async -> ProcessEvidence = { .none }
    /// The node's fingerprint, to be pinned.
    nonisolated let fingerprint: String
    private var reception: Reception
    private var cells: [Int: Entry] = [:]
    private var spare: Int?
    private var lastNumber = 0

    /// - Parameter elsewhere: where the processes of cells are; nil: here.
    init(nodeSecret: borrowing Secret, shelf: Shelf, range: SelfTestRange, elsewhere: CellsElsewhere? = nil) throws {
        let reception = Reception(identity: try SigningKey(seed: nodeSecret))
        fingerprint = reception.fingerprint
        self.reception = reception
        lookupKey = CellHost.lookupKey(nodeSecret: nodeSecret).withUnsafeBytes { Array($0) }
        (self.shelf, self.range, self.elsewhere) = (shelf, range, elsewhere)
    }

    /// Tells what is known when the others run.
    /// - Parameters:
    ///   - setupToken: what the first account is made with; nil if there is one.
    ///   - evidence: what the processes with connections show of themselves.
    func open(setupToken: String?, evidence: @escaping @Sendable () async -> ProcessEvidence) {
        (setup, self.evidence) = (Alone(setupToken: setupToken), evidence)
    }

    /// The record of a fresh key, with a challenge.
    func offer() throws -> [UInt8] { try reception.offer(now: now()) }

    /// A cell's process for an opening: whoever it turns out to be for.
    /// - Returns: the seam on which it waits for the opening, and the one on which it asks the archive.
    /// - Throws: a `Refusal` if there was no such offer, or no process can be started.
    func admit(_ opening: [UInt8]) async throws -> (door: Descriptor, store: Descriptor) {
        var admission: [UInt8]
        do { admission = try reception.admit(opening, now: now()).encoded() } catch { throw Refusal(channel: error) }
        defer { admission.erase() }
        // A spare may have ended while it waited; then a new one serves.
        let spare = spare
        self.spare = nil
        defer { prepareSpare() }
        var fields = Fields(admission, lookupKey).encoded()
        defer { fields.erase() }
        if let seams = try await begin(spare, fields) { return seams }
        if let seams = try await begin(start(), fields) { return seams }
        throw Refusal(.internal, "A cell could not be started.")
    }

    /// Gives a process its admission and its seams; nil if it has ended.
    private func begin(_ number: Int?, _ fields: [UInt8]) async throws -> (door: Descriptor, store: Descriptor)? {
        guard let number, let child = cells[number]?.child else { return nil }
        let ((near, far), (archiveEnd, cellEnd)) = (try Descriptor.pair(), try Descriptor.pair())
        let begun = try? await child.control.ask(
            CellOrder.begin.rawValue, fields, descriptors: [far, cellEnd], patience: .beginning)
        return begun == nil ? nil : (near, archiveEnd)
    }

    /// Starts a process ahead of time, so that the next opening need not wait for it.
    func prepareSpare() { if spare == nil { spare = try? start() } }

    /// Ends every cell: before the server ends, and when the archive's process has ended.
    func endAll() async {
        await Self.end(cells.values.map(\.child))
        (cells, spare) = ([:], nil)
    }

    private static func end(_ children: [Child]) async {
        await withTaskGroup { group in
            for child in children {
                group.addTask { _ = try? await child.control.ask(CellOrder.end.rawValue, patience: .atOnce) }
            }
        }
    }

    private func start() throws -> Int {
        lastNumber += 1
        let number = lastNumber
        let answer: @Sendable (ServedCall) async throws -> Void = { [weak self] call in
            try await Refusal.told { try await self?.answer(call, from: number) }
        }
        let ended: @Sendable () -> Void = { [weak self] in Task { await self?.ended(number) } }
        let child =
            try elsewhere?.start(answer: answer, ended: ended)
            ?? Child(.cell, range: range, answer: answer, ended: ended)
        cells[number] = Entry(child: child)
        return number
    }

    private func ended(_ number: Int) {
        cells[number] = nil
        if spare == number { spare = nil }
    }

    private func answer(_ call: ServedCall, from number: Int) async throws {
        switch CellRequest(rawValue: call.method) {
        case .models: try await call.tell(await shelf.models())
        case .load: try await load(call)
        case .evidence: try await call.tell(await gathered(for: number))
        case .breakOut: try await call.tell(try await range.breakOuts().map(\.described))
        case .isSetup:
            let isRight = await setup.isSetup(String(decoding: call.payload, as: UTF8.self))
            try await call.send([isRight ? 1 : 0])
        case .finishSetup:
            await setup.finishSetup()
            try await call.send([1])
        case .claim: try await call.send([claim(try call.read(CellName.self), number) ? 1 : 0])
        case .handOver:
            var fields = try Fields(decoding: call.payload)
            let name = try JSONDecoder().decode(CellName.self, from: Data(try fields.bytes()))
            guard let cell = cells.first(where: { $0.value.name == name })?.value.child else {
                throw Refusal(.busy, "This session is being locked. Try again.")
            }
            _ = try await cell.control.ask(CellOrder.adopt.rawValue, call.payload)
            try await call.send([1])
        case .sessions, .closeSession, .endKeys: try await answerOfOthers(call, number)
        case .stretch:
            try await stretching.enter()
            defer { Task { await stretching.leave() } }
            try await call.send([1])
            // Held until the cell lets go of the call, or ends.
            while try await call.next() != nil {}
        case nil: throw SeamError.malformed
        }
    }

    /// What an owner asks of the cells of their own API keys.
    private func answerOfOthers(_ call: ServedCall, _ number: Int) async throws {
        guard let own = cells[number]?.name, own.isOwners else { throw Refusal(.denied, "An API key may not do this.") }
        let others = cells.filter { $0.key != number && $0.value.name?.account == own.account }.map(\.value.child)
        switch CellRequest(rawValue: call.method) {
        case .sessions:
            var sessions: [SessionDescription] = []
            for other in others {
                sessions +=
                    (try? await other.control.ask(
                        CellOrder.sessions.rawValue, [String](), patience: .atOnce, as: [SessionDescription].self))
                    ?? []
            }
            try await call.tell(sessions)
        case .closeSession:
            for other in others {
                let reply = try? await other.control.ask(
                    CellOrder.closeSession.rawValue, call.payload, patience: .atOnce)
                if reply?.bytes == [1] { return try await call.send([1]) }
            }
            try await call.send([0])
        default:
            await Self.end(others)
            try await call.send([1])
        }
    }

    /// What holds the asking cell and every engine, beside what has connections.
    private func gathered(for number: Int) async -> ProcessEvidence {
        var gathered = await evidence()
        let own = try? await cells[number]?.child.report()
        let relay = try? await elsewhere?.report()
        gathered.confined += ([own, relay].compactMap { $0 } + (await shelf.reports())).map(\.described)
        return gathered
    }

    private func claim(_ name: CellName, _ number: Int) -> Bool {
        let isTaken = cells.contains { $0.key != number && $0.value.name == name && $0.value.child.isRunning }
        guard !isTaken, cells[number]?.name == nil || cells[number]?.name == name else { return false }
        cells[number]?.name = name
        return true
    }

    private nonisolated func load(_ call: ServedCall) async throws {
        let wanted = try call.read(CellRequest.Load.self)
        let (steps, step) = AsyncStream<CellRequest.Progress>.makeStream(bufferingPolicy: .bufferingNewest(2))
        let shelf = shelf
        let loading = Task {
            defer { step.finish() }
            return try await shelf.ready(wanted.name) { step.yield(.init(done: $0, total: $1)) }
        }
        for await progress in steps { try await call.tell(progress) }
        do {
            let model = try await loading.value
            guard let engine = model.engine as? RemoteEngine else { throw SeamError.malformed }
            let isNew = !wanted.connected.contains(engine.process)
            let file = model.source.descriptor.map { [$0] } ?? []
            try await call.tell(
                CellRequest.Ready(
                    description: model.description, vocabulary: engine.vocabularySize, engine: engine.process),
                descriptors: isNew ? [try await engine.connect()] + file : [])
        } catch let error as SeamError { throw error } catch { throw Refusal(model: error) }
    }

    private func now() -> UInt64 { UInt64(max(Date().timeIntervalSince1970, 0)) }
}

/// Two passphrases are stretched at a time, whoever asks; a bounded number waits.
private actor StretchLine {
    private static let (atOnce, lineLimit) = (2, 16)
    private var working = 0
    private var line: [CheckedContinuation<Void, Never>] = []

    func enter() async throws {
        if working < Self.atOnce {
            working += 1
            return
        }
        guard line.count < Self.lineLimit else {
            throw Refusal(.busy, "Too many people are unlocking at once. Try again in a moment.")
        }
        await withCheckedContinuation { line.append($0) }
    }

    func leave() {
        if line.isEmpty { working -= 1 } else { line.removeFirst().resume() }
    }
}
