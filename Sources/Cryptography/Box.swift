/// What a box is bound to: a label and the bytes that say whose, where and which version.
///
/// `docs/formats/vault.md` §1.
public struct BoxContext: Sendable, Equatable {
    let associatedData: [UInt8]

    /// - Parameters:
    ///   - label: the kind of thing sealed, ASCII.
    ///   - fields: its fields in the order of the format's table.
    public init(_ label: String, _ fields: [UInt8]...) {
        var writer = ByteWriter()
        writer.byte(Box.version)
        writer.prefixed16(Array(label.utf8))
        for field in fields { writer.bytes(field) }
        associatedData = writer.output
    }
}

/// The sealed box: version ‖ salt ‖ AES-256-GCM under a key derived for this box alone.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 1 | version, 1 |
/// | 1 | 24 | random salt |
/// | 25 | n + 16 | ciphertext ‖ tag |
public enum Box {
    static let version: UInt8 = 1
    static let saltCount = 24
    static let nonce = [UInt8](repeating: 0, count: 12)

    /// Bytes that a box adds to its content.
    public static let overhead = 1 + saltCount + AuthenticatedEncryption.tagCount

    /// Seals `plaintext` for one context.
    public static func seal(
        _ plaintext: [UInt8], key: borrowing Secret, context: BoxContext
    ) throws(CryptographyError) -> [UInt8] {
        let salt = randomBytes(saltCount)
        let boxKey = key.derived(salt: salt, info: "cloister/box/v1")
        let sealed = try AuthenticatedEncryption.seal(
            plaintext, key: boxKey, nonce: nonce, authenticating: context.associatedData)
        return [version] + salt + sealed
    }

    /// Opens a box.
    /// - Throws: `malformed` for another version or a truncated box, `unauthentic` otherwise.
    public static func open(
        _ box: [UInt8], key: borrowing Secret, context: BoxContext
    ) throws(CryptographyError) -> [UInt8] {
        guard box.count >= overhead, box[0] == version else { throw .malformed }
        let boxKey = key.derived(salt: Array(box[1..<1 + saltCount]), info: "cloister/box/v1")
        return try AuthenticatedEncryption.open(
            Array(box[(1 + saltCount)...]), key: boxKey, nonce: nonce, authenticating: context.associatedData)
    }

    /// Seals a secret, so that its bytes need no array of their own in the caller.
    public static func wrap(
        _ secret: borrowing Secret, key: borrowing Secret, context: BoxContext
    ) throws(CryptographyError) -> [UInt8] {
        var bytes = secret.withUnsafeBytes { Array($0) }
        defer { bytes.erase() }
        return try seal(bytes, key: key, context: context)
    }

    /// Opens a box that holds a secret.
    public static func unwrap(
        _ box: [UInt8], key: borrowing Secret, context: BoxContext
    ) throws(CryptographyError) -> Secret {
        var bytes = try open(box, key: key, context: context)
        defer { bytes.erase() }
        guard !bytes.isEmpty else { throw .malformed }
        return Secret(bytes)
    }
}

extension Box {
    /// Whether bytes have the form of a box and read like nothing: its version, its least length, and no more printable
    /// characters than chance allows.
    ///
    /// A check for indicators; only `open` proves anything.
    public static func looksSealed(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= overhead, bytes[0] == version else { return false }
        let printable = bytes.dropFirst().count { (0x20...0x7E).contains($0) || $0 == 0x0A }
        // 96 of 256 values are printable; three fifths is more than ten deviations away for the smallest box.
        return printable * 5 < bytes.count * 3
    }
}
