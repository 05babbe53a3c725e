import Glibc

/// An IPv4 or IPv6 address, from the one notation of each that every parser reads alike.
public struct NetworkAddress: Hashable, Sendable {
    /// 4 or 16 bytes, as on the wire.
    public let bytes: [UInt8]

    /// - Parameter bytes: 4 or 16, as on the wire.
    public init(bytes: [UInt8]) {
        precondition(bytes.count == 4 || bytes.count == 16, "an address has 4 or 16 bytes")
        self.bytes = bytes
    }

    /// Reads four decimal numbers without leading zeros, or IPv6 text without brackets and zone (RFC 4291 §2.2).
    ///
    /// Octal, hexadecimal and shortened IPv4 forms, which resolvers and browsers also read, are nil.
    public init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let bytes = Self.version6(String(text)) else { return nil }
            self.bytes = bytes
        } else {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            let bytes = parts.compactMap { Self.octet(String($0)) }
            guard parts.count == 4, bytes.count == 4 else { return nil }
            self.bytes = bytes
        }
    }

    private static func octet(_ text: String) -> UInt8? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != 0x30
        else { return nil }
        return UInt8(text)
    }

    private static func version6(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }
}

extension NetworkAddress: CustomStringConvertible {
    /// Dotted decimal, or RFC 5952 without brackets.
    public var description: String {
        guard bytes.count == 16 else { return bytes.map(String.init).joined(separator: ".") }
        var text = [CChar](repeating: 0, count: 64)
        inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension NetworkAddress: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let address = NetworkAddress(text) else { throw CourierError.badAddress(.host) }
        self = address
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
