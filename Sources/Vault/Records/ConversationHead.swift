public import Foundation
import Cryptography

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
