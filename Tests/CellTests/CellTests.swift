import Cell
import Channel
import Foundation
import Testing

/// What a person can do in their cell, and what is refused.
struct CellTests {
    @Test func `a turn is answered, kept sealed and read back by another session`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        let pieces = try await ada.say("a rare phrase", in: id)
        #expect(
            pieces.first?.loading != nil && pieces.compactMap(\.started).first?.droppedTurns == 0
                && pieces.last?.done?.reason == "stop")
        let said = pieces.compactMap(\.text).joined()
        for stored in await house.store.bytes {
            #expect(stored.ranges(of: Array("rare".utf8)).isEmpty, "the phrase lies in the store")
        }
        await house.host.host.closeAll()
        let turns = try await house.unlock().one("conversations.read", id).turns ?? []
        #expect(turns.map(\.text) == ["a rare phrase", said])
        #expect(turns.map(\.role) == ["user", "assistant"])
    }

    @Test func `a second turn does not read the first again`() async throws {
        let ada = try await House().owner()
        let id = try await ada.begin()
        try await ada.say("hello", in: id)
        let second = try await ada.say("hello world", in: id)
        #expect((second.last?.done?.reusedTokens ?? 0) > 10)
    }

    @Test func `an answer says how long its parts took`() async throws {
        let ada = try await House().owner()
        let id = try await ada.begin()
        let start = ContinuousClock.now
        let done = try #require(try await ada.say("hello", in: id).last?.done)
        let whole = Int((ContinuousClock.now - start) / .nanoseconds(1))
        #expect(done.promptNanoseconds > 0 && done.answerNanoseconds > 0)
        #expect(done.promptNanoseconds + done.answerNanoseconds < whole)
    }

    @Test func `off the record nothing reaches the store, and the lock ends it`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin(offRecord: true)
        try await ada.say("between us", in: id)
        #expect(try await ada.one("conversations").conversations?.map(\.id) == [id])
        #expect(await house.store.conversationCount == 0)
        try await ada.one("lock")
        await #expect(throws: Refusal.self) { try await ada.one("conversations") }
        #expect(try await house.unlock().one("conversations").conversations?.isEmpty == true)
    }

    @Test func `what is written while a conversation is read is no tampering`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        try await ada.say("one", in: id)
        await house.store.repeatHead()
        try await ada.say("two", in: id)
        try await ada.one("lock")
        #expect(try await house.unlock().one("conversations.read", id).turns?.count == 4)
    }

    @Test func `what a full disk did not take is not in the conversation`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        await house.store.fill(true)
        await #expect(throws: Refusal(.storeFailed, "The disk is full.")) { try await ada.say("lost", in: id) }
        await house.store.fill(false)
        try await ada.say("kept", in: id)
        #expect(try await ada.one("conversations.read", id).turns?.first?.text == "kept")
    }

    @Test func `an answer is stopped, and what was said stays`() async throws {
        let ada = try await House().owner()
        let id = try await ada.begin()
        let reply = try await ada.ask("conversations.send", object: id, Data(#"{"text":"hello"}"#.utf8))
        for _ in 0..<2 { _ = try await reply.next() }
        await #expect(throws: Refusal(.busy, "An answer is still being written in this conversation.")) {
            try await ada.say("me too", in: id)
        }
        #expect(try await ada.one("conversations.stop", id).stopped == true)
        while try await reply.next() != nil {}
        let turns = try await ada.one("conversations.read", id).turns ?? []
        #expect(turns.count == 2 && turns.last?.stopped == true)
    }

    @Test func `an answer is stopped however early the person says so`() async throws {
        let ada = try await House().owner()
        let id = try await ada.begin()
        // The first piece comes before the turn is kept, the second before the answer is begun.
        for pieces in [1, 2] {
            let reply = try await ada.ask("conversations.send", object: id, Data(#"{"text":"hello"}"#.utf8))
            for _ in 0..<pieces { _ = try await reply.next() }
            #expect(try await ada.one("conversations.stop", id).stopped == true)
            while try await reply.next() != nil {}
            #expect(try await ada.one("conversations.read", id).turns?.last?.stopped == true)
        }
        #expect(try await ada.one("conversations.stop", id).stopped == false)
    }

    @Test func `the person is told when history was cut, and the last message always fits or is refused`() async throws
    {
        let ada = try await House(context: 128).owner()
        let id = try await ada.begin()
        var dropped = 0
        for _ in 0..<6 {
            dropped = try await ada.say("hello hello hello", in: id).compactMap(\.started).first?.droppedTurns ?? 0
        }
        #expect(dropped > 0)
        let refusal = await #expect(throws: Refusal.self) {
            try await ada.say(String(repeating: "x ", count: 400), in: id)
        }
        #expect(refusal?.code == .promptTooLong)
    }

    @Test func `a dropped record is noticed and nothing is shown`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        try await ada.say("hello", in: id)
        try await ada.one("lock")
        await house.store.dropLastRecords()
        let again = try await house.unlock()
        let refusal = await #expect(throws: Refusal.self) { try await again.one("conversations.read", id) }
        #expect(refusal?.code == .tampered)
    }

    @Test func `deleting destroys the records and says so`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        try await ada.say("hello", in: id)
        let receipt = try await ada.one("conversations.delete", id).receipt
        #expect(receipt?.records == 2 && receipt?.keyDestroyed == true)
        #expect(await house.store.conversationCount == 0)
        let refusal = await #expect(throws: Refusal.self) { try await ada.one("conversations.read", id) }
        #expect(refusal?.code == .notFound)
    }

    @Test(arguments: [
        ("conversations.send", #"{"text":"x","more":1}"#), ("conversations.send", #"{"text":""}"#),
        ("conversations.send", "[]"), ("conversations.create", #"{"offRecord":"yes"}"#), ("nothing.known", "{}"),
        ("settings", #"{"root":true}"#), ("keys.create", #"{"label":""}"#),
    ])
    func `what is no request of this version is refused`(action: String, content: String) async throws {
        let ada = try await House().owner()
        let id = try await ada.begin()
        let refusal = await #expect(throws: Refusal.self) { try await ada.one(action, id, content) }
        #expect(refusal?.code == .malformed)
    }
}
