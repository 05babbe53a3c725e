import Channel
import Cryptography
import Foundation
import Vault

/// An open channel on its way to the process that has the cell already.
///
/// Sealed under a key that only who opened the same vault can have: what carries it learns nothing and can make none.
struct Handover: ~Copyable {
    private static let byteCount = 32 + 2
    let secret: Secret
    let idleMinutes: Int?

    init(secret: consuming Secret, idleMinutes: Int?) {
        self.secret = secret
        self.idleMinutes = idleMinutes
    }

    /// - Throws: a `Refusal` if it was not sealed with the cell's key.
    init(opening box: [UInt8], with access: Cell.Access) throws {
        var bytes: [UInt8]
        do { bytes = try Box.open(box, key: access.handoverKey(), context: Self.context) } catch {
            throw Refusal(.busy, "The keys were being renewed. Try again.")
        }
        defer { bytes.erase() }
        guard bytes.count == Self.byteCount else { throw Malformed() }
        let minutes = Int(bytes[32]) << 8 | Int(bytes[33])
        self.init(secret: Secret(Array(bytes.prefix(32))), idleMinutes: minutes == 0 ? nil : minutes)
    }

    func sealed(with access: Cell.Access) throws -> [UInt8] {
        var bytes = secret.withUnsafeBytes { Array($0) } + bigEndian(UInt16(clamping: idleMinutes ?? 0))
        defer { bytes.erase() }
        return try Box.seal(bytes, key: access.handoverKey(), context: Self.context)
    }

    private static var context: BoxContext { BoxContext("handover") }
}

extension Cell.Access {
    fileprivate func handoverKey() -> Secret {
        switch self {
        case .owner(let root): root.key.handoverKey()
        case .key(let open): open.keyring.handoverKey()
        }
    }
}
