import Channel
import Cryptography
import Foundation
import Vault

/// Judges credentials: opens a slot or refuses, with equal words and equal work for names that nobody has.
struct Unlocking: Sendable {
    private static let freeFailures = 5
    private static let longestWait: UInt64 = 900
    private static let passphraseLeast = 8

    let store: any SealedStore
    let passphrases: PassphraseQueue
    /// Turns a name into its look-up value; a key of the node, so that the disk alone does not tell names.
    let lookupKey: LookupKey
    let clock: @Sendable () -> Date

    final class LookupKey: Sendable {
        private let secret: Secret
        init(_ secret: consuming Secret) { self.secret = secret }

        func lookup(_ name: String) -> [UInt8] {
            secret.authenticationCode(for: Array(name.precomposedStringWithCanonicalMapping.lowercased().utf8))
        }
    }

    struct Unlocked: Sendable {
        let account: Account
        let access: Cell.Access
        let opened: Opened

        var cellName: CellName { CellName(account.id, access.scope) }
    }

    private static let wrong = Refusal(.wrongCredential, "The name and the secret do not belong together.")

    func open(name: String, passphrase: String) async throws -> Unlocked {
        try await guarded(name) { account in
            let stretched = try await passphrases.run { () -> Cell.OpenRoot? in
                guard let account else {
                    _ = try? PasswordHash.fresh().key(for: passphrase)
                    return nil
                }
                return try? Cell.OpenRoot(account.open(passphrase: passphrase))
            }
            return stretched
        }
    }

    func open(name: String, recovery text: String) async throws -> Unlocked {
        try await guarded(name) { account in
            guard let account, let code = try? RecoveryCode(reading: text), let root = try? account.open(recovery: code)
            else { return nil }
            return Cell.OpenRoot(root)
        }
    }

    func open(token text: String) async throws -> Unlocked {
        guard let token = try? APIToken(reading: text), let account = try await store.account(id: token.account),
            let keyring = try? account.open(token: token)
        else { throw Self.wrong }
        let day = UInt32(clamping: Int(clock().timeIntervalSince1970 / 86_400))
        // A full disk must not keep programs out.
        try? await store.noteUse(of: token.slot, account: account.id, day: day)
        return Unlocked(
            account: account, access: .key(Cell.OpenKeyring(keyring)),
            opened: Opened(account: account.id.hex, name: "", keep: false, scope: "key"))
    }

    func create(name: String, passphrase: String, keep: Bool) async throws -> Unlocked {
        let name = name.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...80).contains(name.count) else { throw Refusal(.malformed, "A name has 1 to 80 characters.") }
        try Self.judge(passphrase: passphrase)
        let profile = Profile(name: name, keep: keep, created: clock())
        final class Made: Sendable {
            let created: CreatedAccount
            init(_ created: consuming CreatedAccount) { self.created = created }
        }
        let made = try await passphrases.run { try? Made(Account.create(profile: profile, passphrase: passphrase)) }
        guard let made else { throw Refusal(.internal, "The account could not be made.") }
        try await store.insert(made.created.account, lookup: lookupKey.lookup(name))
        let account = made.created.account
        guard let root = try? account.open(recovery: made.created.recovery) else {
            throw Refusal(.internal, "The account could not be opened.")
        }
        return Unlocked(
            account: account, access: .owner(Cell.OpenRoot(root)),
            opened: Opened(
                account: account.id.hex, name: name, keep: keep, scope: "owner",
                idleMinutes: Profile.usualIdleMinutes, recovery: made.created.recovery.text())
        )
    }

    /// A floor, not a promise: length is what an attacker with a copy of the disk pays for.
    static func judge(passphrase: String) throws {
        guard passphrase.count >= passphraseLeast else {
            throw Refusal(
                .weakPassphrase,
                "A passphrase has at least \(passphraseLeast) characters; four or more random words are better.")
        }
        guard passphrase.utf8.count <= 1_024 else { throw Refusal(.malformed, "A passphrase has at most 1,024 bytes.") }
    }

    /// Counts the attempt on disk before trying, waits are enforced, and success clears the count.
    private func guarded(
        _ name: String, _ tryOpening: (Account?) async throws -> Cell.OpenRoot?
    ) async throws -> Unlocked {
        guard name.utf8.count <= 1_024 else { throw Self.wrong }
        let lookup = lookupKey.lookup(name)
        let now = UInt64(max(clock().timeIntervalSince1970, 0))
        let (failures, last) = try await store.attempts(lookup: lookup)
        let wait = Self.wait(after: failures)
        if now < last &+ wait {
            throw Refusal(.tooManyAttempts, "Too many attempts. Try again in \(last &+ wait - now) seconds.")
        }
        try await store.countAttempt(lookup: lookup, now: now)
        let account = try await store.account(lookup: lookup)
        guard let root = try await tryOpening(account), let account else { throw Self.wrong }
        try await store.clearAttempts(lookup: lookup)
        let profile = try account.profile(root: root.key)
        return Unlocked(
            account: account, access: .owner(root),
            opened: Opened(
                account: account.id.hex, name: profile.name, keep: profile.keep, scope: "owner",
                idleMinutes: profile.idleMinutes ?? Profile.usualIdleMinutes))
    }

    /// Seconds to wait: none for five failures, then 1, 2, 4 … up to 15 minutes.
    ///
    /// Never for ever: a stranger must not be able to lock a person out.
    static func wait(after failures: Int) -> UInt64 {
        failures < freeFailures ? 0 : min(1 << UInt64(min(failures - freeFailures, 20)), longestWait)
    }
}
