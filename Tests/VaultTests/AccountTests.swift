import Cryptography
import Foundation
import Testing

@testable import Vault

private let quick = PasswordHash.insecureForTests
private let profile = Profile(name: "Ada", keep: true, created: Date(timeIntervalSince1970: 1_000))

extension Secret {
    /// The bytes, for comparison in tests.
    var revealed: [UInt8] { withUnsafeBytes { Array($0) } }
}

extension PasswordHash {
    /// N = 2¹⁵, the least that is accepted.
    static var insecureForTests: PasswordHash {
        do { return try PasswordHash(logCost: 15, blockSize: 8, parallelism: 1, salt: randomBytes(16)) } catch {
            preconditionFailure()
        }
    }
}

struct AccountTests {
    @Test func `passphrase and recovery code open the same root key, others open nothing`() throws {
        let created = try Account.create(profile: profile, passphrase: "correct horse", hash: quick)
        let stored = try Account(decoding: created.account.encoded())
        #expect(try stored.open(passphrase: "correct horse").secret.revealed == created.root.secret.revealed)
        let typed = created.recovery.text().lowercased().replacing("-", with: " ")
        #expect(try stored.open(recovery: RecoveryCode(reading: typed)).secret.revealed == created.root.secret.revealed)
        #expect(throws: VaultError.wrongCredential) { _ = try stored.open(passphrase: "correct horse ") }
        #expect(throws: VaultError.wrongCredential) { _ = try stored.open(recovery: .random()) }
        #expect(try stored.profile(root: created.root) == profile)
    }

    @Test func `every changed byte of a stored account is noticed`() throws {
        let created = try Account.create(profile: profile, passphrase: "p", hash: quick)
        let bytes = created.account.encoded()
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x40
            #expect(throws: VaultError.self, "byte \(index)") {
                _ = try Account(decoding: changed).open(recovery: created.recovery)
            }
        }
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: VaultError.self) { _ = try Account(decoding: Array(bytes.prefix(count))) }
        }
    }

    @Test func `a changed passphrase replaces the old one and leaves the recovery code`() throws {
        let created = try Account.create(profile: profile, passphrase: "old", hash: quick)
        var account = created.account
        try account.change(passphrase: "new", hash: quick, root: created.root)
        #expect(throws: VaultError.wrongCredential) { _ = try account.open(passphrase: "old") }
        #expect(try account.open(passphrase: "new").secret.revealed == created.root.secret.revealed)
        #expect(try account.open(recovery: created.recovery).secret.revealed == created.root.secret.revealed)
        #expect(account.revision == created.account.revision + 1)
    }

    @Test func `composed and decomposed passphrases are the same passphrase`() throws {
        let created = try Account.create(profile: profile, passphrase: "caf\u{E9}", hash: quick)
        #expect(try created.account.open(passphrase: "cafe\u{301}").secret.revealed == created.root.secret.revealed)
    }

    @Test func `an API key opens its scope, never the root, and nothing once revoked`() throws {
        let created = try Account.create(profile: profile, passphrase: "p", hash: quick)
        var account = created.account
        let token = try account.addKey(label: "laptop", day: 20_000, root: created.root)
        let text = token.text()
        #expect(text.count == 95)
        let keyring = try account.open(token: APIToken(reading: text))
        #expect(keyring.scope != .none)
        #expect(keyring.secret.revealed != created.root.keyring().secret.revealed)
        #expect(try account.keyring(of: keyring.scope, root: created.root).secret.revealed == keyring.secret.revealed)
        #expect(try account.keys(root: created.root).map(\.label) == ["laptop"])
        #expect(throws: VaultError.wrongCredential) { _ = try account.open(passphrase: text) }
        try account.revokeKey(token.slot, root: created.root)
        #expect(throws: VaultError.wrongCredential) { _ = try account.open(token: APIToken(reading: text)) }
        #expect(try account.keyring(of: keyring.scope, root: created.root).secret.revealed == keyring.secret.revealed)
        #expect(try account.keys(root: created.root).isEmpty)
    }

    @Test(arguments: ["", "cloister_", "cloister_AAAA", "sk-123", "cloister_" + String(repeating: "A", count: 87)])
    func `text that is no token is refused`(text: String) {
        #expect(throws: VaultError.wrongCredential) { _ = try APIToken(reading: text) }
    }

    @Test func `a recovery code tells a slip of the pen`() throws {
        var characters = Array(RecoveryCode.random().text())
        #expect(characters.count == 44)
        characters[3] = characters[3] == "7" ? "8" : "7"
        let slipped = String(characters)
        #expect(throws: VaultError.wrongCredential) { _ = try RecoveryCode(reading: slipped) }
    }
}
