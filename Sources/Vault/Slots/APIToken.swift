public import Cryptography

/// An API key as a program presents it: `cloister_` ‖ base64url(account ‖ slot ‖ secret).
///
/// `docs/formats/vault.md` §3.
public struct APIToken: ~Copyable, Sendable {
    private static let prefix = "cloister_"

    /// Whose vault it belongs to.
    public let account: AccountID
    /// Which slot it opens.
    public let slot: SlotID
    private let secret: Secret

    static func random(account: AccountID, slot: SlotID) -> APIToken {
        APIToken(account: account, slot: slot, secret: .random())
    }

    private init(account: AccountID, slot: SlotID, secret: consuming Secret) {
        (self.account, self.slot) = (account, slot)
        self.secret = secret
    }

    /// Reads a token.
    /// - Throws: `wrongCredential` for anything that is no token.
    public init(reading text: String) throws(VaultError) {
        guard text.hasPrefix(Self.prefix), var bytes = Base64URL.decode(String(text.dropFirst(Self.prefix.count))),
            bytes.count == 64, let account = try? AccountID(bytes: Array(bytes[..<16])),
            let slot = try? SlotID(bytes: Array(bytes[16..<32]))
        else { throw .wrongCredential }
        self.init(account: account, slot: slot, secret: Secret(Array(bytes[32...])))
        bytes.erase()
    }

    /// The token in full, to be shown once.
    public borrowing func text() -> String {
        var bytes = account.bytes + slot.bytes
        defer { bytes.erase() }
        secret.withUnsafeBytes { bytes.append(contentsOf: $0) }
        return Self.prefix + Base64URL.encode(bytes)
    }

    borrowing func key(salt: [UInt8]) -> Secret {
        secret.derived(salt: salt, info: "cloister/slot/key/v1")
    }
}
