public import Cryptography

/// One way into an account.
///
/// `docs/formats/vault.md` §3.
public struct Slot: Sendable, Equatable {
    /// What the slot is opened with.
    public enum Kind: UInt8, Sendable {
        /// A passphrase, stretched by scrypt; opens the root key.
        case passphrase = 1
        /// The recovery code; opens the root key.
        case recovery = 2
        /// Reserved: a passkey with PRF; opens the root key.
        case passkey = 3
        /// An API token; opens one scope key and never the root key.
        case key = 4
    }

    /// Which kind of credential.
    public let kind: Kind
    /// Its name.
    public let id: SlotID
    let parameters: [UInt8]
    let wrappedKey: [UInt8]
    let label: [UInt8]

    /// A revoked API key keeps its scope for the owner and opens nothing itself.
    var isRevoked: Bool { wrappedKey.isEmpty }

    func revoked() -> Slot { Slot(kind: kind, id: id, parameters: parameters, wrappedKey: [], label: label) }
}

extension Slot {
    func encode(into writer: inout ByteWriter) {
        writer.byte(kind.rawValue)
        writer.bytes(id.bytes)
        writer.prefixed16(parameters)
        writer.prefixed16(wrappedKey)
        writer.prefixed16(label)
    }

    init(from reader: inout ByteReader) throws {
        guard let kind = Kind(rawValue: try reader.byte()) else { throw VaultError.malformed }
        self.init(
            kind: kind, id: try SlotID(bytes: reader.bytes(16)), parameters: try reader.prefixed16(),
            wrappedKey: try reader.prefixed16(), label: try reader.prefixed16())
    }

    static func context(_ account: AccountID, _ id: SlotID, _ kind: Kind) -> BoxContext {
        BoxContext("slot", account.bytes, id.bytes, [kind.rawValue])
    }
}
