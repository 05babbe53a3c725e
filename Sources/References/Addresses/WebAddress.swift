import Foundation

/// A whole `http` or `https` address in a form that no two parsers read differently.
public struct WebAddress: Hashable, Sendable {
    /// *Our choice*: signed addresses of storage services have one or two kilobytes.
    private static let limit = 8_192

    /// Where it leads.
    public let origin: Origin
    /// Path and query, beginning with `/`; sent as it is.
    public let target: String

    /// An address below an origin.
    /// - Parameter target: path and query.
    /// - Throws: `badAddress` unless it can be read in one way only.
    public init(_ origin: Origin, _ target: String) throws(CourierError) {
        guard target.hasPrefix("/"), !target.hasPrefix("//"), target.utf8.count <= Self.limit, Self.isPlain(target)
        else { throw .badAddress(.path) }
        (self.origin, self.target) = (origin, target)
    }

    /// Reads an absolute address.
    /// - Throws: `CourierError.badAddress`.
    public init(_ text: String) throws(CourierError) {
        guard text.utf8.count <= Self.limit, Self.isPlain(text) else { throw .badAddress(.path) }
        guard let mark = text.range(of: "://") else { throw .badAddress(.scheme) }
        let start = text[mark.upperBound...].firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
        let rest = text[start...]
        try self.init(Origin(text[..<start]), rest.hasPrefix("/") ? String(rest) : "/" + rest)
    }

    /// Reads where an answer of `sender` leads: an absolute address, or a path there.
    /// - Throws: `CourierError.badAddress`.
    public init(redirect location: String, from sender: Origin) throws(CourierError) {
        if location.hasPrefix("/") { try self.init(sender, location) } else { try self.init(location) }
    }

    /// Whether Foundation, with which the HTTP client reads addresses, sees the same in it.
    public var isReadAlike: Bool {
        guard let url = URL(string: description), url.user == nil, url.password == nil, url.fragment == nil else {
            return false
        }
        return url.scheme == origin.scheme.rawValue && (url.port ?? origin.scheme.standardPort) == origin.port
            && url.host?.trimmingCharacters(in: ["[", "]"]) == origin.host.description
    }

    /// Visible ASCII without what parsers disagree about: backslashes, fragments, quotes, brackets of other kinds, and
    /// percent signs that escape nothing.
    private static func isPlain(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.allSatisfy { index in
            switch bytes[index] {
            case UInt8(ascii: "%"):
                index + 2 < bytes.count && isHex(bytes[index + 1]) && isHex(bytes[index + 2])
            case UInt8(ascii: "\\"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"),
                UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"):
                false
            case let byte: (0x21...0x7e).contains(byte)
            }
        }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}

extension WebAddress: CustomStringConvertible {
    /// The whole address.
    public var description: String { "\(origin)\(target)" }
}
