import Channel
import Foundation
import Testing

/// Arranging, searching, going on, and looking at what is kept.
struct KeepingTests {
    @Test func `a conversation is renamed, pinned, filed and given a manner, and they last`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        try await ada.say("hello", in: id)
        try await ada.one(
            "conversations.change", id,
            #"{"title":"Taxes","arrangement":{"pinned":true,"tags":["home"]},"manner":{"systemPrompt":"hello"}}"#)
        try await ada.one("lock")
        let again = try await house.unlock()
        let listed = try await again.one("conversations").conversations?.first
        #expect(listed?.title == "Taxes" && listed?.arrangement == .init(pinned: true, tags: ["home"]))
        #expect(try await again.one("conversations.read", id).manner?.systemPrompt == "hello")
    }

    @Test(arguments: [
        #"{"title":""}"#, #"{"arrangement":{"pinned":true,"tags":[""]}}"#,
        #"{"manner":{"systemPrompt":"","temperature":3}}"#, #"{"manner":{"systemPrompt":"","topP":0}}"#,
    ])
    func `what cannot be kept is refused`(change: String) async throws {
        let ada = try await House().owner()
        let id = try await ada.begin()
        let refusal = await #expect(throws: Refusal.self) { try await ada.one("conversations.change", id, change) }
        #expect(refusal?.code == .malformed)
    }

    @Test func `an edited message supersedes what came after it`() async throws {
        let ada = try await House().owner()
        let id = try await ada.begin()
        try await ada.say("hello", in: id)
        try await ada.say("hello again", in: id)
        try await ada.all("conversations.send", id, #"{"text":"hello world","replaces":0}"#)
        let turns = try await ada.one("conversations.read", id).turns ?? []
        #expect(turns.count == 2 && turns.first?.text == "hello world" && turns.first?.version == 1)
    }

    @Test func `an answer goes on where it was stopped`() async throws {
        let ada = try await House().owner()
        let id = try await ada.begin()
        let first = try await ada.say("hello", in: id).compactMap(\.text).joined()
        let more = try await ada.all("conversations.continue", id).compactMap(\.text).joined()
        let turns = try await ada.one("conversations.read", id).turns ?? []
        #expect(turns.map(\.text) == ["hello", first + more] && turns.last?.version == 1)
        let empty = try await ada.begin()
        let refusal = await #expect(throws: Refusal.self) { try await ada.one("conversations.continue", empty) }
        #expect(refusal?.code == .unsupported)
    }

    @Test func `a system prompt stands before the conversation`() async throws {
        let ada = try await House().owner()
        let id = try await ada.begin()
        let plain = try await ada.say("hello", in: id).compactMap(\.started).first?.promptTokens ?? 0
        let framed = try await ada.begin()
        try await ada.one(
            "conversations.change", framed, #"{"manner":{"systemPrompt":"hello hello hello","temperature":0}}"#)
        let started = try await ada.say("hello", in: framed).compactMap(\.started).first
        #expect((started?.promptTokens ?? 0) > plain && started?.context == 2_048)
    }

    @Test func `a search finds regardless of case and accents, also off the record, and keeps nothing open`()
        async throws
    {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        try await ada.say("Über den Dächern", in: id)
        try await ada.say("nothing", in: await ada.begin(offRecord: true))
        let pieces = try await ada.all("conversations.search", nil, #"{"text":"dacher"}"#)
        #expect(pieces.compactMap(\.hit).first?.conversation == id && pieces.last?.found == 1)
        #expect(pieces.compactMap(\.hit).first?.match == "Dächer")
        #expect(try await ada.all("conversations.search", nil, #"{"text":"NOTHING"}"#).last?.found == 1)
    }

    @Test func `one flipped bit is refused, and the intact copy opens`() async throws {
        let ada = try await House().owner()
        #expect(try await ada.one("evidence.tamper").tampering == nil)
        let id = try await ada.begin()
        try await ada.say("hello", in: id)
        for _ in 0..<20 {
            let tampering = try await ada.one("evidence.tamper").tampering
            #expect(tampering?.refused == true && tampering?.intactOpens == true)
        }
    }

    @Test func `sessions are listed and another is closed from here`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let other = try await house.unlock()
        let sessions = try await ada.one("sessions").sessions ?? []
        #expect(sessions.count == 2 && sessions.filter(\.own).count == 1)
        try await ada.one("sessions.close", sessions.first { !$0.own }?.id)
        await #expect(throws: Refusal.self) { try await other.one("conversations") }
        #expect(try await ada.one("sessions").sessions?.count == 1)
        let refusal = await #expect(throws: Refusal.self) {
            try await ada.one("sessions.close", String(repeating: "0", count: 32))
        }
        #expect(refusal?.code == .notFound)
    }

    @Test func `a session is locked after the minutes that its owner chose`() async throws {
        let house = try House()
        #expect(try await house.owner().one("settings", nil, #"{"idleMinutes":2}"#).idleMinutes == 2)
        let ada = try await house.unlock()
        house.clock.advance(100)
        try await ada.one("settings")
        house.clock.advance(130)
        let refusal = await #expect(throws: Refusal.self) { try await ada.one("settings") }
        #expect(refusal?.code == .locked)
    }

    @Test func `what is stored is counted, and a key shows its last day and conversations`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        try await ada.say("hello", in: id)
        #expect(try await ada.one("stored").stored?.records.count == 2)
        let token = try await ada.one("keys.create", nil, #"{"label":"editor"}"#).token ?? ""
        #expect(try await ada.one("keys").keys?.first?.lastUse == nil)
        let program = try await house.enter(.key(token: token))
        try await program.one("tutorial.chat", nil, #"{"message":"hello","session":"s"}"#)
        let key = try await ada.one("keys").keys?.first
        #expect(key?.lastUse == "2027-01-15" && key?.conversations == 1)
    }

    @Test func `the set-up link shows the models and opens nothing`() async throws {
        let house = try House()
        await #expect(throws: Refusal.self) { _ = try await house.enter(.look(token: "another")) }
        await #expect(throws: (any Error).self) { _ = try await house.enter(.look(token: "set-up")) }
        _ = try await house.owner()
        await #expect(throws: Refusal.self) { _ = try await house.enter(.look(token: "set-up")) }
    }

    @Test func `renewed keys open everything, and neither the old passphrase nor the old code opens anything`()
        async throws
    {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        try await ada.say("hello", in: id)
        let token = try await ada.one("keys.create", nil, #"{"label":"editor"}"#).token ?? ""
        let tutorial = #"{"message":"hello","session":"s"}"#
        try await house.enter(.key(token: token)).one("tutorial.chat", nil, tutorial)
        let before = await house.store.bytes
        let renewed = try await ada.all(
            "rekey", nil, #"{"current":"\#(House.passphrase)","new":"another long one"}"#)
        let code = try #require(renewed.last?.recovery)
        #expect(await Set(house.store.bytes).isDisjoint(with: before), "something lies there as before")
        #expect(try await ada.one("conversations.read", id).turns?.first?.text == "hello")
        try await ada.say("again", in: id)
        await #expect(throws: Refusal.self) { _ = try await house.unlock() }
        for again in [
            try await house.unlock("another long one"), try await house.enter(.recovery(name: "Ada", code: code)),
        ] {
            #expect(try await again.one("conversations.read", id).turns?.count == 4)
            #expect(try await again.one("conversations").conversations?.count == 2)
            #expect(try await again.one("keys").keys?.isEmpty == true)
        }
        await #expect(throws: Refusal.self) { _ = try await house.enter(.key(token: token)) }
    }

    @Test func `nothing comes between while keys are renewed, and a lock waits for the end`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        for _ in 0..<8 { try await ada.say("hello", in: ada.begin()) }
        try await ada.say("hello", in: id)
        let other = try await house.unlock()
        let request = #"{"current":"\#(House.passphrase)","new":"another long one"}"#
        let renewing = try await ada.ask("rekey", object: nil, Data(request.utf8))
        // It has begun, and goes on when the next piece is taken.
        _ = try await renewing.next()
        for (action, content) in [
            ("rekey", request), ("recovery.renew", #"{"current":"\#(House.passphrase)"}"#),
            ("passphrase.change", request), ("settings", "{}"), ("conversations.create", #"{"offRecord":false}"#),
        ] {
            let refusal = await #expect(throws: Refusal.self, "\(action)") { try await other.one(action, nil, content) }
            #expect(refusal?.code == .busy, "\(action)")
        }
        try await other.one("lock")
        while try await renewing.next() != nil {}
        let again = try await house.unlock("another long one")
        #expect(try await again.one("conversations.read", id).turns?.count == 2)
        #expect(try await again.one("conversations").conversations?.count == 9)
    }

    @Test func `a conversation that does not open hides no other and can be deleted`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let (damaged, whole) = (try await ada.begin(), try await ada.begin())
        try await ada.say("hello", in: damaged)
        try await ada.say("hello", in: whole)
        try await ada.one("lock")
        await house.store.spoilHead(of: damaged)
        let again = try await house.unlock()
        let listed = try await again.one("conversations").conversations ?? []
        #expect(listed.first { $0.id == damaged }?.damaged == true && listed.count == 2)
        let found = try await again.all("conversations.search", nil, #"{"text":"hello"}"#).last
        #expect(found?.found ?? 0 > 0 && found?.skipped == 1 && found?.complete == false)
        #expect(try await again.one("conversations.delete", damaged).receipt?.records == 2)
        #expect(try await again.one("conversations").conversations?.map(\.id) == [whole])
    }

    @Test func `a change during an answer loses neither`() async throws {
        let ada = try await House().owner()
        let id = try await ada.begin()
        let reply = try await ada.ask("conversations.send", object: id, Data(#"{"text":"hello"}"#.utf8))
        var count = 0
        while try await reply.next() != nil {
            try await ada.one("conversations.change", id, #"{"title":"Title \#(count)"}"#)
            count += 1
        }
        #expect(try await ada.one("conversations.read", id).turns?.count == 2)
        #expect(try await ada.one("conversations").conversations?.first?.title == "Title \(count - 1)")
    }

    @Test func `drafts are in memory until the lock`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        try await ada.one("drafts.keep", id, #"{"text":"half a thought"}"#)
        try await ada.one("drafts.keep", nil, #"{"text":"another"}"#)
        #expect(
            try await house.unlock().one("drafts").drafts == [
                id: "half a thought", String(repeating: "0", count: 32): "another",
            ])
        for stored in await house.store.bytes { #expect(stored.ranges(of: Array("thought".utf8)).isEmpty) }
        try await ada.one("lock")
        #expect(try await house.unlock().one("drafts").drafts?.isEmpty == true)
    }

    @Test func `keys are renewed only with the passphrase, and a full disk leaves the old ones`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let id = try await ada.begin()
        try await ada.say("hello", in: id)
        for action in ["rekey", "recovery.renew"] {
            let refusal = await #expect(throws: Refusal.self) { try await ada.one(action, nil, #"{"current":"no"}"#) }
            #expect(refusal?.code == .wrongCredential)
        }
        await house.store.fill(true)
        await #expect(throws: Refusal.self) {
            try await ada.one("rekey", nil, #"{"current":"\#(House.passphrase)"}"#)
        }
        await house.store.fill(false)
        #expect(try await house.unlock().one("conversations.read", id).turns?.count == 2)
        let code = try await ada.one("recovery.renew", nil, #"{"current":"\#(House.passphrase)"}"#).recovery ?? ""
        _ = try await house.enter(.recovery(name: "Ada", code: code))
    }

    @Test func `who forgot the passphrase makes a new one with the recovery code`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let code = try await ada.one("recovery.renew", nil, #"{"current":"\#(House.passphrase)"}"#).recovery ?? ""
        let recovered = try await house.enter(.recovery(name: "Ada", code: code))
        let alone = await #expect(throws: Refusal.self) {
            try await recovered.one("rekey", nil, #"{"current":"\#(code)"}"#)
        }
        #expect(alone?.code == .malformed)
        try await recovered.one("passphrase.change", nil, #"{"current":"\#(code)","new":"another long one"}"#)
        _ = try await house.unlock("another long one")
        await #expect(throws: Refusal.self) { _ = try await house.unlock() }
    }
}
