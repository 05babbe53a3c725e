import Cell
import Channel
import Foundation
import Seams

/// What the supervisor asks of a cell process; `docs/formats/seams.md` §6.
enum CellOrder: UInt8 {
    /// Fields: admission, look-up key; descriptors: door seam, store seam. Once.
    case begin = 1
    /// Fields: name, sealed channel.
    case adopt
    /// Answered by a list of sessions.
    case sessions
    /// A session's name; one byte tells whether there was one.
    case closeSession
    /// Ends, after what is being answered was told so.
    case end
}

/// What a cell process asks of the supervisor; `docs/formats/seams.md` §7.
enum CellRequest: UInt8 {
    case models = 1
    /// A model; answered by progress, and then the model, with its engine's socket and its file for a cell that has
    /// none.
    case load
    case evidence
    case isSetup, finishSetup
    case claim, handOver
    case sessions, closeSession, endKeys
    /// Answered when a passphrase may be stretched; held until it is done.
    case stretch
    /// Starts a process of each role, which tries to break out.
    case breakOut

    struct Load: Codable, Sendable {
        /// Nil: the standard one.
        let name: String?
        /// The processes of the engines that the cell reaches already.
        let connected: [Int]
    }

    struct Progress: Codable, Sendable { let done, total: Int }

    struct Ready: Codable, Sendable {
        let description: ModelDescription
        let vocabulary: Int
        /// The engine's process.
        let engine: Int
    }
}

/// What the gateway asks of a cell; `docs/formats/seams.md` §8.
enum DoorCall: UInt8 {
    /// An opening; answered by fields: sealed reply, route, name or nothing, whether the cell is here.
    case open = 1
    /// Fields: route, action, object, sealed request; answered by an empty part, and then sealed pieces.
    case ask
}

extension SeamLimits {
    /// Between the gateway and a cell.
    static let door = SeamLimits(payload: (1 << 20) + 4_096)
}

extension Refusal {
    /// As the payload of a failure.
    var encoded: [UInt8] { (try? JSONEncoder().encode(RefusalEnvelope(self))).map { Array($0) } ?? [] }

    /// What a failure says; what nobody explained is an end of the other process.
    init(_ error: SeamError) {
        if case .failed(let payload) = error,
            let envelope = try? JSONDecoder().decode(RefusalEnvelope.self, from: Data(payload))
        {
            self = envelope.error
        } else {
            self.init(.locked, "This session is locked. Unlock it again.")
        }
    }

    /// Runs what answers a call, so that a refusal travels in words.
    static func told(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let refusal as Refusal { throw SeamError.failed(refusal.encoded) }
    }
}
