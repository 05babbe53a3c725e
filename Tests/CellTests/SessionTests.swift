import Channel
import Foundation
import Testing

/// Who gets in, how far, and for how long.
struct SessionTests {
    @Test func `an API key sees its own conversations only and changes nothing`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let owners = try await ada.begin()
        let token = try await ada.one("keys.create", nil, #"{"label":"editor"}"#).token ?? ""
        let program = try await house.enter(.key(token: token))
        for action in [
            "conversations", "conversations.read", "keys", "settings", "evidence", "lock", "passphrase.change",
        ] {
            let refusal = await #expect(throws: Refusal.self) { try await program.one(action, owners) }
            #expect(refusal?.code == .denied, "\(action)")
        }
        try await program.one("tutorial.chat", nil, #"{"message":"hello","session":"s"}"#)
        #expect(try await program.one("tutorial.history", nil, #"{"session":"s"}"#).turns?.count == 2)
        #expect(try await ada.one("conversations").conversations?.map(\.title).sorted() == ["", "s"])
    }

    @Test func `what a key may not do changes nothing for other programs`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let made = try await ada.one("keys.create", nil, #"{"label":"editor"}"#)
        let (program, other) = (
            try await house.enter(.key(token: made.token ?? "")), try await house.enter(.key(token: made.token ?? ""))
        )
        for action in ["keys.revoke", "rekey", "lock", "sessions.close"] {
            await #expect(throws: Refusal.self) { try await program.one(action, made.id) }
            try await other.one("models")
        }
        let wrong = #"{"current":"not the passphrase"}"#
        await #expect(throws: Refusal.self) { try await ada.one("rekey", nil, wrong) }
        try await other.one("models")
    }

    @Test func `a full disk keeps no program out`() async throws {
        let house = try House()
        let token = try await house.owner().one("keys.create", nil, #"{"label":"editor"}"#).token ?? ""
        await house.store.fill(true)
        try await house.enter(.key(token: token)).one("models")
    }

    @Test func `a revoked key's session ends at once`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let made = try await ada.one("keys.create", nil, #"{"label":"editor"}"#)
        let program = try await house.enter(.key(token: made.token ?? ""))
        try await program.one("models")
        try await ada.one("keys.revoke", made.id)
        let refusal = await #expect(throws: Refusal.self) { try await program.one("models") }
        #expect(refusal?.code == .locked)
        await #expect(throws: Refusal.self) { try await house.enter(.key(token: made.token ?? "")) }
    }

    @Test func `locking ends every session of the person`() async throws {
        let house = try House()
        let (first, second) = (try await house.owner(), try await house.unlock())
        try await first.one("lock")
        for session in [first, second] {
            let refusal = await #expect(throws: Refusal.self) { try await session.one("conversations") }
            #expect(refusal?.code == .locked)
        }
    }

    @Test func `a session that is idle for a quarter of an hour is locked`() async throws {
        let house = try House()
        let ada = try await house.owner()
        house.clock.advance(14 * 60)
        try await ada.one("conversations")
        house.clock.advance(16 * 60)
        let refusal = await #expect(throws: Refusal.self) { try await ada.one("conversations") }
        #expect(refusal?.code == .locked)
    }

    @Test func `the set-up link makes one owner`() async throws {
        let house = try House()
        _ = try await house.owner()
        let refusal = await #expect(throws: Refusal.self) { _ = try await house.owner() }
        #expect(refusal?.code == .denied)
    }

    @Test func `a wrong passphrase and a name that nobody has are refused alike, and guessing slows down`() async throws
    {
        let house = try House()
        _ = try await house.owner()
        var refusals: Set<String> = []
        for name in ["Ada", "Nobody"] {
            let refusal = await #expect(throws: Refusal.self) {
                _ = try await house.enter(.passphrase(name: name, passphrase: "not the right one"))
            }
            refusals.insert(refusal?.message ?? "")
        }
        #expect(refusals.count == 1)
        for _ in 0..<5 { _ = try? await house.enter(.recovery(name: "Ada", code: "no code")) }
        let slowed = await #expect(throws: Refusal.self) { _ = try await house.unlock() }
        #expect(slowed?.code == .tooManyAttempts)
        house.clock.advance(60)
        _ = try await house.unlock()
    }

    @Test func `a changed passphrase opens and the old one does not`() async throws {
        let house = try House()
        let ada = try await house.owner()
        let wrong = await #expect(throws: Refusal.self) {
            try await ada.one("passphrase.change", nil, #"{"current":"no","new":"another long one"}"#)
        }
        #expect(wrong?.code == .wrongCredential)
        try await ada.one("passphrase.change", nil, #"{"current":"\#(House.passphrase)","new":"another long one"}"#)
        await #expect(throws: Refusal.self) { _ = try await house.unlock() }
        _ = try await house.unlock("another long one")
    }
}
