import Foundation
import Vault

/// The requests of `docs/formats/actions.md`.
///
/// A field that is not named there is refused.
enum Requests {
    struct Empty: ClosedRequest { enum CodingKeys: CaseIterable, CodingKey {} }

    struct Create: ClosedRequest {
        let offRecord: Bool
        enum CodingKeys: CaseIterable, CodingKey { case offRecord }
    }

    struct Change: ClosedRequest {
        let title: String?
        let arrangement: Arrangement?
        let manner: Manner?
        enum CodingKeys: CaseIterable, CodingKey { case title, arrangement, manner }
    }

    struct Search: ClosedRequest {
        let text: String
        enum CodingKeys: CaseIterable, CodingKey { case text }
    }

    struct Send: ClosedRequest {
        let text: String
        let replaces: UInt64?
        let model: String?
        enum CodingKeys: CaseIterable, CodingKey { case text, replaces, model }
    }

    /// For actions that need no more than the name of a model, or none.
    struct Answer: ClosedRequest {
        let model: String?
        enum CodingKeys: CaseIterable, CodingKey { case model }
    }

    struct Import: ClosedRequest {
        struct Turn: Decodable {
            let role: String
            let text: String
            let time: Date?
        }
        let title: String
        let turns: [Turn]
        enum CodingKeys: CaseIterable, CodingKey { case title, turns }
    }

    struct Settings: ClosedRequest {
        let keep: Bool?
        let model: String?
        let idleMinutes: Int?
        enum CodingKeys: CaseIterable, CodingKey { case keep, model, idleMinutes }
    }

    struct CreateKey: ClosedRequest {
        let label: String
        enum CodingKeys: CaseIterable, CodingKey { case label }
    }

    struct ChangePassphrase: ClosedRequest {
        let current: String
        let new: String
        enum CodingKeys: CaseIterable, CodingKey { case current, new }
    }

    struct Draft: ClosedRequest {
        let text: String
        enum CodingKeys: CaseIterable, CodingKey { case text }
    }

    struct RenewRecovery: ClosedRequest {
        let current: String
        enum CodingKeys: CaseIterable, CodingKey { case current }
    }

    struct Rekey: ClosedRequest {
        let current: String
        let new: String?
        enum CodingKeys: CaseIterable, CodingKey { case current, new }
    }

    struct Complete: ClosedRequest {
        struct Message: Decodable {
            let role: String
            let content: String
        }
        let model: String?
        let messages: [Message]?
        let prompt: String?
        let maxTokens: Int?
        let temperature: Float?
        let topP: Float?
        let topK: Int?
        let minP: Float?
        let repetitionPenalty: Float?
        let seed: UInt64?
        let stop: [String]?
        let store: Bool?
        enum CodingKeys: CaseIterable, CodingKey {
            case model, messages, prompt, maxTokens, temperature, topP, topK, minP, repetitionPenalty, seed, stop, store
        }
    }

    struct TutorialChat: ClosedRequest {
        let message: String
        let session: String
        enum CodingKeys: CaseIterable, CodingKey { case message, session }
    }

    struct TutorialHistory: ClosedRequest {
        let session: String
        enum CodingKeys: CaseIterable, CodingKey { case session }
    }
}

/// A request whose fields are exactly its coding keys.
protocol ClosedRequest: Decodable {
    associatedtype CodingKeys: CodingKey, CaseIterable
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

private struct FieldNames: Decodable {
    let names: Set<String>
    init(from decoder: any Decoder) throws {
        names = Set(try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue))
    }
}

extension ClosedRequest {
    /// - Throws: `malformed` for anything but an object with the right fields.
    init(decoding content: [UInt8]) throws {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let data = Data(content)
        do {
            let known = Set(CodingKeys.allCases.map(\.stringValue))
            guard try decoder.decode(FieldNames.self, from: data).names.isSubset(of: known) else { throw Malformed() }
            self = try decoder.decode(Self.self, from: data)
        } catch { throw Malformed() }
    }
}

/// A request that is none of `docs/formats/actions.md`.
struct Malformed: Error {}
