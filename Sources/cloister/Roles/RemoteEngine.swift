import Channel
import Confinement
import Foundation
import Inference
import Seams
import Synchronization

/// The way to an engine in another process.
final class RemoteEngine: TokenEngine {
    let contextLength: Int
    let vocabularySize: Int
    private let seam: SeamClient
    private let gone: Latch
    /// The process, on the side that started it; it ends with this value.
    private let child: Child?
    private let names = Mutex(Names())

    /// - Parameter socket: a tokens seam that the engine serves.
    convenience init(_ socket: Descriptor, _ loaded: EngineOrder.Loaded, child: Child? = nil) throws(SeamError) {
        let gone = Latch()
        self.init(try SeamClient(socket, limits: .tokens) { gone.raise() }, gone, loaded, child)
    }

    private init(_ seam: SeamClient, _ gone: Latch, _ loaded: EngineOrder.Loaded, _ child: Child?) {
        (contextLength, vocabularySize) = (loaded.context, loaded.vocabulary)
        (self.seam, self.gone, self.child) = (seam, gone, child)
    }

    /// The way to an engine that somebody else started.
    /// - Parameters:
    ///   - digest: SHA-256 of the file that it must run, hexadecimal.
    ///   - ended: called when it is gone.
    /// - Throws: `engineGone` if it does not answer, `malformed` if it runs another file.
    static func join(
        _ socket: Descriptor, running digest: String, ended: @escaping @Sendable () -> Void
    ) async throws(InferenceError) -> RemoteEngine {
        let (gone, joined) = (Latch(), Latch())
        // One that was refused here has not ended.
        let closed: @Sendable () -> Void = {
            gone.raise()
            if joined.isRaised { ended() }
        }
        guard let seam = try? SeamClient(socket, limits: .tokens, closed: closed),
            let there = try? await seam.ask(
                EngineCall.describe.rawValue, [String](), as: EngineCall.Description.self)
        else { throw .engineGone }
        guard there.digest == digest else { throw .malformed("the engine that was named runs another file") }
        joined.raise()
        return RemoteEngine(
            seam, gone, EngineOrder.Loaded(context: there.context, vocabulary: there.vocabulary), nil)
    }

    /// The number of its process; 0 on the side that did not start it.
    var process: Int { Int(child?.process ?? 0) }

    /// What its process says of itself.
    func report() async -> SelfReport? { try? await child?.report() }

    /// Lets another process use this engine.
    /// - Parameter socket: the other end is its.
    func attach(_ socket: Descriptor) async throws {
        guard let child else { throw SeamError.closed }
        _ = try await child.control.ask(EngineOrder.attach.rawValue, descriptors: [socket])
    }

    /// A socket over which another process can use this engine.
    func connect() async throws -> Descriptor {
        guard let child else { throw SeamError.closed }
        return try await child.attached()
    }

    var isRunning: Bool { !gone.isRaised }

    /// An engine that is gone does nothing; one that is silent may be at work.
    func isIdle() async -> Bool {
        do { return try await asked().bytes == [1] } catch { return error != .cancelled }
    }

    /// The end of a process is heard of a moment later than it is; silence alone is no end.
    func answers() async -> Bool {
        do { _ = try await asked() } catch { return error == .cancelled && isRunning }
        return true
    }

    private func asked() async throws(SeamError) -> Part {
        try await seam.ask(EngineCall.isIdle.rawValue, patience: .atOnce)
    }

    /// What sequences of this seam are called: the upper half says whose they are.
    private struct Names {
        var clients: [ClientID: UInt64] = [:]
        var lastSequence: UInt32 = 0
    }

    func openSequence(of client: ClientID) -> SequenceID {
        names.withLock { names in
            let number = names.clients[client] ?? UInt64(names.clients.count)
            names.clients[client] = number
            names.lastSequence &+= 1
            return SequenceID(number: number << 32 | UInt64(names.lastSequence))
        }
    }

    func closeSequence(_ sequence: SequenceID) {
        let number = withUnsafeBytes(of: sequence.number.littleEndian) { Array($0) }
        Task { [seam] in _ = try? await seam.ask(EngineCall.close.rawValue, number) }
    }

    func generate(_ request: GenerationRequest) throws(InferenceError) -> Generation {
        try request.validate(context: contextLength, vocabulary: vocabularySize)
        do throws(SeamError) {
            return Generation(RemoteAnswer(call: try seam.call(EngineCall.generate.rawValue, request.encoded())))
        } catch { throw .engineGone }
    }
}

/// The events of an answer that is being made in another process.
private struct RemoteAnswer: GenerationSource {
    let call: Call

    func next() async -> GenerationEvent? {
        do throws(SeamError) {
            guard let part = try await call.next() else { return nil }
            return try? GenerationEvent(decoding: part.bytes)
        } catch { return error == .closed ? .finished(.engineGone) : nil }
    }

    func cancel() { call.cancel() }
}
