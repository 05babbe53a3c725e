import Cryptography
import Foundation
import Testing

@testable import Vault

struct TranscriptTests {
    private let account = AccountID()
    private let conversation = ConversationID()
    private let time = Date(timeIntervalSince1970: 1_700_000_000)

    /// What an archive would hold.
    private struct Stored {
        var head: SealedHead
        var records: [SealedRecord] = []
        var transcript: Transcript

        mutating func keep(_ change: Transcript.Change) {
            (head, transcript) = (change.head, change.transcript)
            change.record.map { records.append($0) }
        }
    }

    private func makeStored(turns: Int) throws -> Stored {
        let (key, _) = try RootKey.random().keyring().makeConversationKey(account: account, conversation: conversation)
        let start = try Transcript.begin(key: key, title: "Tea", time: time)
        var stored = Stored(head: start.head, transcript: start.transcript)
        for index in 0..<turns {
            stored.keep(try stored.transcript.appending(turn("turn \(index)", index % 2 == 0 ? .user : .assistant)))
        }
        return stored
    }

    private func turn(_ text: String, _ role: Turn.Role = .user) -> Turn { Turn(role: role, text: text, time: time) }

    @Test func `a stored conversation opens as it was`() throws {
        let stored = try makeStored(turns: 5)
        let opened = try Transcript(key: stored.transcript.key, head: stored.head, records: stored.records)
        #expect(opened.turns == stored.transcript.turns)
        #expect(opened.turns.map(\.turn.text) == (0..<5).map { "turn \($0)" })
        #expect(opened.head.title == "Tea" && opened.head.count == 5)
    }

    @Test func `a replaced turn gets a new version and supersedes what came after`() throws {
        var stored = try makeStored(turns: 4)
        stored.keep(try stored.transcript.appending(turn("again"), at: 2))
        stored.keep(try stored.transcript.appending(turn("answer", .assistant)))
        let opened = try Transcript(key: stored.transcript.key, head: stored.head, records: stored.records)
        #expect(opened.turns.map(\.turn.text) == ["turn 0", "turn 1", "again", "answer"])
        #expect(opened.turns.map(\.version) == [0, 0, 1, 1])
        #expect(throws: VaultError.malformed) { _ = try opened.appending(self.turn("gap"), at: 9) }
    }

    @Test func `dropped, swapped, repeated, rolled back and foreign records are noticed`() throws {
        let stored = try makeStored(turns: 4)
        let key = stored.transcript.key
        func refuses(_ records: [SealedRecord], head: SealedHead? = nil, key other: ConversationKey? = nil) -> Bool {
            do {
                _ = try Transcript(key: other ?? key, head: head ?? stored.head, records: records)
                return false
            } catch { return error == .tampered }
        }
        let records = stored.records
        for index in records.indices {
            var dropped = records
            dropped.remove(at: index)
            #expect(refuses(dropped))
        }
        #expect(refuses(records + [records[3]]))
        #expect(refuses([records[1], records[0], records[2], records[3]]))
        let older = try makeStored(turns: 2)
        #expect(refuses(Array(older.records), head: older.head))
        #expect(refuses(records, head: SealedHead(version: stored.head.version - 1, box: stored.head.box)))
        let other = ConversationKey(
            account: account, conversation: ConversationID(), epoch: 0, secret: key.secret.duplicate())
        #expect(refuses(records, key: other), "a conversation renamed to another still opened")
    }

    @Test func `every changed byte of a record and a head is noticed`() throws {
        let stored = try makeStored(turns: 1)
        let record = stored.records[0]
        for index in record.box.indices {
            var box = record.box
            box[index] ^= 1
            let changed = SealedRecord(ordinal: 0, sequence: 0, version: 0, kind: 1, epoch: 0, box: box)
            #expect(throws: VaultError.tampered) {
                _ = try Transcript(key: stored.transcript.key, head: stored.head, records: [changed])
            }
        }
        for index in stored.head.box.indices {
            var box = stored.head.box
            box[index] ^= 1
            let head = SealedHead(version: stored.head.version, box: box)
            #expect(throws: VaultError.tampered) { _ = try ConversationHead(opening: head, key: stored.transcript.key) }
        }
    }

    @Test func `a conversation key opens only in its own place`() throws {
        let root = RootKey.random()
        let (_, wrapped) = try root.keyring().makeConversationKey(account: account, conversation: conversation)
        #expect(throws: Never.self) {
            _ = try root.keyring().unwrap(wrapped, account: self.account, conversation: self.conversation, epoch: 0)
        }
        #expect(throws: VaultError.tampered) {
            _ = try root.keyring().unwrap(wrapped, account: self.account, conversation: ConversationID(), epoch: 0)
        }
        #expect(throws: VaultError.tampered) {
            _ = try root.keyring().unwrap(wrapped, account: AccountID(), conversation: self.conversation, epoch: 0)
        }
        #expect(throws: VaultError.tampered) {
            _ = try RootKey.random().keyring().unwrap(
                wrapped, account: self.account, conversation: self.conversation, epoch: 0)
        }
    }

    @Test func `no two records share bytes that show their text or its length`() throws {
        var stored = try makeStored(turns: 0)
        for text in ["a", "b", String(repeating: "c", count: 90)] {
            stored.keep(try stored.transcript.appending(turn(text)))
        }
        #expect(Set(stored.records.map(\.box.count)).count == 1)
        #expect(Set(stored.records.map { Array($0.box.prefix(25)) }).count == 3)
    }
}
