public import Cryptography

/// An account as it is stored: slots, inbox and sealed profile under one MAC.
///
/// `docs/formats/vault.md` §3.
public struct Account: Sendable, Equatable {
    private static let magic = Array("CLAC".utf8)
    private static let version: UInt8 = 1
    static let slotLimit = 64
    /// Largest accepted record, bytes.
    public static let byteLimit = 256 * 1024

    /// Whose account.
    public let id: AccountID
    /// Grows with every change.
    public internal(set) var revision: UInt64
    /// The X25519 key that things for the locked owner are sealed to.
    public let inboxPublicKey: [UInt8]
    let inboxPrivateKey: [UInt8]
    var profile: [UInt8]
    /// The ways in, in order of creation.
    public internal(set) var slots: [Slot]
    var code: [UInt8]

    init(id: AccountID, inboxPublicKey: [UInt8], inboxPrivateKey: [UInt8]) {
        (self.id, self.inboxPublicKey, self.inboxPrivateKey) = (id, inboxPublicKey, inboxPrivateKey)
        (revision, profile, slots, code) = (0, [], [], [])
    }

    /// The bytes to store.
    public func encoded() -> [UInt8] { authenticated() + code }

    /// Reads stored bytes; whether they are authentic shows only when the root key is open.
    /// - Throws: `malformed`.
    public init(decoding bytes: [UInt8]) throws(VaultError) {
        do { self = try Self.parse(bytes) } catch { throw .malformed }
    }

    private static func parse(_ bytes: [UInt8]) throws -> Account {
        guard bytes.count <= byteLimit else { throw VaultError.tooLarge }
        var reader = ByteReader(bytes)
        guard try reader.bytes(4) == magic, try reader.byte() == version else { throw VaultError.malformed }
        let id = try AccountID(bytes: reader.bytes(16))
        let revision = try reader.integer(UInt64.self)
        var account = Account(
            id: id, inboxPublicKey: try reader.bytes(32), inboxPrivateKey: try reader.prefixed16())
        account.revision = revision
        account.profile = try reader.prefixed16()
        let count = try reader.integer(UInt16.self)
        guard count <= slotLimit else { throw VaultError.tooLarge }
        for _ in 0..<count { account.slots.append(try Slot(from: &reader)) }
        account.code = try reader.bytes(32)
        try reader.end()
        return account
    }

    private func authenticated() -> [UInt8] {
        var writer = ByteWriter()
        writer.bytes(Self.magic)
        writer.byte(Self.version)
        writer.bytes(id.bytes)
        writer.integer(revision)
        writer.bytes(inboxPublicKey)
        writer.prefixed16(inboxPrivateKey)
        writer.prefixed16(profile)
        writer.integer(UInt16(slots.count))
        for slot in slots { slot.encode(into: &writer) }
        return writer.output
    }

    /// Counts the change and renews the MAC.
    mutating func seal(with root: borrowing RootKey) {
        revision += 1
        code = root.slots.authenticationCode(for: authenticated())
    }

    func isAuthentic(under root: borrowing RootKey) -> Bool {
        root.slots.isValid(authenticationCode: code, for: authenticated())
    }

    func context(field: UInt8, _ extra: [UInt8] = []) -> BoxContext {
        BoxContext("account", id.bytes, [field], extra)
    }
}
