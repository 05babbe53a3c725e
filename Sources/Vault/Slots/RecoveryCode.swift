import Cryptography

/// 160 random bits that open the root key when the passphrase is forgotten.
///
/// `docs/formats/vault.md` §3.
public struct RecoveryCode: ~Copyable, Sendable {
    private static let byteCount = 20
    private static let quintetCount = 36

    private let secret: Secret

    /// A fresh code.
    public static func random() -> RecoveryCode { RecoveryCode(secret: .random(count: byteCount)) }

    private init(secret: consuming Secret) { self.secret = secret }

    /// Reads a code as a person typed it: case, hyphens and spaces do not matter, `I L O` are read as `1 1 0`.
    /// - Throws: `wrongCredential` for a foreign character, a wrong length or wrong check characters.
    public init(reading text: String) throws(VaultError) {
        guard text.utf8.count <= 200, let quintets = Base32.quintets(of: text), quintets.count == Self.quintetCount
        else {
            throw .wrongCredential
        }
        var bytes = Self.packed(quintets.dropLast(4))
        defer { bytes.erase() }
        guard Self.check(bytes) == Array(quintets.suffix(4)) else { throw .wrongCredential }
        secret = Secret(bytes)
    }

    /// Nine groups of four characters, to be shown once.
    public borrowing func text() -> String {
        var bytes = secret.withUnsafeBytes { Array($0) }
        defer { bytes.erase() }
        let characters = Array(Base32.encode(quintets: Self.quintets(bytes) + Self.check(bytes)))
        return stride(from: 0, to: characters.count, by: 4).map { String(characters[$0..<$0 + 4]) }.joined(
            separator: "-")
    }

    borrowing func duplicate() -> RecoveryCode { RecoveryCode(secret: secret.duplicate()) }

    borrowing func key(salt: [UInt8]) -> Secret {
        secret.derived(salt: salt, info: "cloister/slot/recovery/v1")
    }

    /// The first 20 bits of SHA-256, so that a slip of the pen is told from a wrong code.
    private static func check(_ bytes: [UInt8]) -> [UInt8] {
        Array(quintets(Array(sha256(bytes).prefix(5))).prefix(4))
    }

    private static func quintets(_ bytes: [UInt8]) -> [UInt8] { regroup(bytes, from: 8, to: 5) }

    private static func packed(_ quintets: ArraySlice<UInt8>) -> [UInt8] { regroup(Array(quintets), from: 5, to: 8) }

    /// Reads groups of `from` bits as groups of `to` bits, most significant first.
    private static func regroup(_ groups: [UInt8], from width: Int, to size: Int) -> [UInt8] {
        var (output, pending, held) = ([UInt8](), 0, 0)
        for group in groups {
            pending = pending << width | Int(group)
            held += width
            while held >= size {
                held -= size
                output.append(UInt8(pending >> held & (1 << size - 1)))
            }
            pending &= 1 << held - 1
        }
        return output
    }
}
