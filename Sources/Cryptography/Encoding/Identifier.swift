/// A 16-byte random identifier of one kind of thing.
///
/// It names; it never grants, and it is never part of a path.
public struct Identifier<Kind>: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// A fresh random identifier.
    public init() {
        var generator = SystemRandomNumberGenerator()
        (high, low) = (generator.next(), generator.next())
    }

    /// From exactly 16 bytes.
    /// - Throws: `malformed`.
    public init(bytes: [UInt8]) throws(CryptographyError) {
        var reader = ByteReader(bytes)
        (high, low) = (try reader.integer(UInt64.self), try reader.integer(UInt64.self))
        try reader.end()
    }

    /// From 32 lower-case hexadecimal characters; nil for anything else.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex), let identifier = try? Self(bytes: bytes) else { return nil }
        self = identifier
    }

    private init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    /// Sixteen zero bytes, where a format says "none".
    public static var none: Self { Self(high: 0, low: 0) }

    /// The 16 bytes.
    public var bytes: [UInt8] { bigEndian(high) + bigEndian(low) }

    /// 32 lower-case hexadecimal characters.
    public var hex: String { Hex.encode(bytes) }
}

extension Identifier {
    /// The same bytes seen as another kind, where a wire format carries several kinds in one field.
    public func retagged<Other>(as _: Other.Type = Other.self) -> Identifier<Other> {
        Identifier<Other>(high: high, low: low)
    }
}

/// One person's vault.
public enum AccountKind: Sendable {}
/// Names an account.
public typealias AccountID = Identifier<AccountKind>
