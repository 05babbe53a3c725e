public import Foundation
import Cryptography

/// Where the list shows a conversation.
public struct Arrangement: Codable, Sendable, Equatable {
    /// Whether it stands above the others.
    public var pinned: Bool
    /// What the person files it under, at most 8 words of at most 40 characters.
    public var tags: [String]

    /// An arrangement; by default among the others.
    public init(pinned: Bool = false, tags: [String] = []) { (self.pinned, self.tags) = (pinned, tags) }
}

/// How the model is asked in a conversation.
public struct Manner: Codable, Sendable, Equatable {
    /// What stands before the conversation; empty for nothing.
    public var systemPrompt: String
    /// Randomness, 0 to 2; nil: as usual for the model.
    public var temperature: Float?
    /// Share of the likeliest tokens, above 0 to 1; nil: as usual.
    public var topP: Float?

    /// A manner; by default the model's own.
    public init(systemPrompt: String = "", temperature: Float? = nil, topP: Float? = nil) {
        (self.systemPrompt, self.temperature, self.topP) = (systemPrompt, temperature, topP)
    }
}

/// What a conversation's sealed head says: what the list shows, and the running hash that betrays dropped records.
public struct ConversationHead: Codable, Sendable, Equatable {
    /// Records appended and not erased.
    public internal(set) var count: UInt64
    /// The running hash over them, base64.
    var chain: Data
    /// What the conversation is called.
    public internal(set) var title: String
    /// The name that a program knows it by, for example the tutorial's `session_id`; nil for conversations of the page.
    public let label: String?
    /// When it began.
    public let created: Date
    /// When it last changed.
    public internal(set) var updated: Date
    /// Where the list shows it; nil: among the others.
    public internal(set) var arrangement: Arrangement?
    /// How the model is asked; nil: as usual.
    public internal(set) var manner: Manner?

    init(title: String, label: String? = nil, created: Date) {
        (count, chain, self.title, self.label) = (0, Data(count: 32), title, label)
        (self.created, updated) = (created, created)
    }

    /// Opens a stored head alone, for lists.
    /// - Throws: `tampered` if it is not this conversation's head at this version.
    public init(opening head: SealedHead, key: ConversationKey) throws(VaultError) {
        do {
            let padded = try Box.open(head.box, key: key.secret, context: Self.context(key, head.version))
            self = try SealedJSON.decode(Self.self, from: try Padding.unpad(padded))
        } catch { throw .tampered }
    }

    func sealed(version: UInt64, key: ConversationKey) throws(VaultError) -> SealedHead {
        let padded = Padding.padme(atLeast: 256).pad(try SealedJSON.encode(self))
        do {
            return SealedHead(
                version: version, box: try Box.seal(padded, key: key.secret, context: Self.context(key, version)))
        } catch { throw .malformed }
    }

    /// Counts from the beginning again, for records that are sealed anew.
    mutating func restart() { (count, chain) = (0, Data(count: 32)) }

    /// chainᵢ of `docs/formats/vault.md` §4.
    mutating func count(_ record: SealedRecord) {
        count += 1
        let place = bigEndian(record.epoch) + [record.kind] + bigEndian(record.sequence) + bigEndian(record.version)
        chain = Data(sha256(Array("cloister/chain/v1".utf8), Array(chain), place, sha256(record.box)))
    }

    private static func context(_ key: ConversationKey, _ version: UInt64) -> BoxContext {
        BoxContext("head", key.account.bytes, key.conversation.bytes, bigEndian(key.epoch), bigEndian(version))
    }
}
