import Cryptography
import Foundation
public import Inference
import Vault

/// What runs the answers, as clients see it.
public struct ModelDescription: Codable, Sendable, Equatable {
    /// Unique on this machine: `store:name`, or `guide`.
    public var id: String
    /// What its store calls it.
    public var name: String
    /// Size of the file, bytes.
    public var bytes: Int
    /// Weights.
    public var parameters: Int
    /// The mixture of tensor types, for example `Q4_K_M`.
    public var quantisation: String
    /// How the weights are computed.
    public var architecture: String
    /// Longest context, tokens.
    public var context: Int
    /// `general.license` of the file.
    public var licence: String?
    /// How conversations are written.
    public var format: String?
    /// Memory that it needs with one full conversation, bytes.
    public var needs: Int
    /// Whether that is free, beside what cannot be unloaded.
    public var fits: Bool
    /// Everything that keeps it from running, one sentence each.
    public var obstacles: [String]
    /// SHA-256 of the file, hexadecimal; nil before its first use.
    public var digest: String?
    /// Whether this is the built-in guide, which knows Cloister and privacy only.
    public var guide: Bool
    /// Whether it is in memory.
    public var loaded: Bool
    /// Whether it answers when nobody says otherwise.
    public var standard: Bool

    /// A description of what was read from a file.
    /// - Parameters:
    ///   - context: tokens that a conversation may have; nil: the model's own, at most 4,096.
    ///   - keyValueType: how its keys and values are kept.
    public init(
        _ inspection: ModelInspection, id: String, name: String, context: Int?, keyValueType: KeyValueType = .f16,
        guide: Bool = false
    ) {
        (self.id, self.name, self.guide) = (id, name, guide)
        (bytes, parameters, quantisation) = (inspection.bytes, inspection.parameters, inspection.quantisation)
        (architecture, licence, format) = (inspection.architecture, inspection.licence, inspection.chatFormat?.rawValue)
        self.context = context ?? min(inspection.trainedContext, EngineOptions.usualContext)
        needs = inspection.bytes + (inspection.bytesPerToken[keyValueType] ?? 0) * self.context
        obstacles = inspection.obstacles.map(\.description)
        (fits, digest, loaded, standard) = (true, nil, false, false)
    }
}

/// The replies of `docs/formats/actions.md`.
enum Replies {
    struct Summary: Encodable {
        let id, title: String
        let created, updated: Date
        let turns: UInt64
        let kept: Bool
        let arrangement: Arrangement
        /// Whether what is stored of it does not open.
        let damaged: Bool

        static func damaged(_ id: ConversationID) -> Summary {
            Summary(
                id: id.hex, title: "", created: .distantPast, updated: .distantPast, turns: 0, kept: true,
                arrangement: Arrangement(), damaged: true)
        }
    }
    struct Conversations: Encodable { let conversations: [Summary] }
    struct Created: Encodable {
        let id: String
        let kept: Bool
    }
    struct Imported: Encodable { let id: String }
    struct Turn: Encodable {
        let sequence: UInt64
        let version: UInt32
        let role, text: String
        let time: Date
        let stopped: Bool
        let model: String?

        init(_ placed: PlacedTurn) {
            (sequence, version, stopped) = (placed.sequence, placed.version, placed.turn.stopped)
            (role, text, time) = (placed.turn.role.rawValue, placed.turn.text, placed.turn.time)
            model = placed.turn.model
        }
    }
    struct Conversation: Encodable {
        let title: String
        let kept: Bool
        let arrangement: Arrangement
        let manner: Manner
        let turns: [Turn]
    }
    struct Searched: Encodable { let searched, of: Int }
    struct Hit: Encodable {
        struct Body: Encodable {
            let conversation, title: String
            let sequence: UInt64
            let role: String
            let before, match, after: String
        }
        let hit: Body
    }
    struct Found: Encodable {
        let found, skipped: Int
        let complete: Bool
    }
    struct Drafts: Encodable { let drafts: [String: String] }
    struct Deleted: Encodable {
        struct Receipt: Encodable {
            let id: String
            let records: Int
            let keyDestroyed, logTruncated: Bool
            let time: Date
            let note: String
        }
        let receipt: Receipt
    }
    struct Started: Encodable {
        struct Body: Encodable {
            let sequence: UInt64?
            let promptTokens, droppedTurns, context: Int
        }
        let started: Body
    }
    struct Loading: Encodable {
        struct Body: Encodable { let done, total: Int }
        let loading: Body
    }
    struct Text: Encodable { let text: String }
    struct Done: Encodable {
        struct Body: Encodable {
            let sequence: UInt64?
            let reason: String
            let promptTokens, reusedTokens, completionTokens: Int
            let promptNanoseconds, answerNanoseconds: Int
            let title: String?
            let model: String
        }
        let done: Body
    }
    struct Stopped: Encodable { let stopped: Bool }
    struct Settings: Encodable {
        let name: String
        let keep: Bool
        let created: Date
        let model: String?
        let idleMinutes: Int
    }
    struct Ready: Encodable { let ready: String }
    struct Stored: Encodable {
        struct Part: Encodable { let count, bytes: Int }
        struct Body: Encodable {
            let account, conversations, records: Part
            let keys, failedAttempts: Int
        }
        let stored: Body
    }
    struct Tampering: Encodable {
        struct Body: Encodable {
            let record: Int
            let byte: Int
            let bit: Int
            let refused, intactOpens: Bool
        }
        let tampering: Body?
    }
    struct Keys: Encodable {
        struct Key: Encodable {
            let id, label, created: String
            let lastUse: String?
            let conversations: Int
        }
        let keys: [Key]
    }
    struct CreatedKey: Encodable { let id, label, token: String }
    struct Revoked: Encodable { let revoked = true }
    struct Changed: Encodable { let changed = true }
    struct Recovery: Encodable { let recovery: String }
    struct Rekeyed: Encodable { let rekeyed, of: Int }
    struct Sessions: Encodable { let sessions: [SessionDescription] }
    struct Locked: Encodable { let locked = true }
    struct Closed: Encodable { let closed = true }
    struct Models: Encodable { let models: [ModelDescription] }
    struct TutorialChat: Encodable { let text, session: String }
    struct TutorialHistory: Encodable {
        let session: String
        let turns: [Turn]
    }
    struct BreakOut: Encodable { let confined: [ConfinedProcess] }
    struct Evidence: Encodable {
        struct Record: Encodable {
            let conversation: String
            let sequence: UInt64
            let bytes: Int
            let hex: String
        }
        struct Store: Encodable { let records, bytes: Int }
        let time: Date
        let listening: [String]
        let outgoing: [ProcessEvidence.Connection]
        let accepted: Int
        let source: String
        let process: Int
        let archive: String
        let models: [ModelDescription]
        let lastRecord: Record?
        let store: Store
        /// The processes that the kernel holds.
        let confined: [ConfinedProcess]
        let airGap: AirGapEvidence?
    }
}
