import Glibc

/// A name or an address that clients know a server by: never a pattern, never "any".
public enum ServerName: Hashable, Sendable, CustomStringConvertible {
    /// A host name (RFC 1123 §2.1) in lower case, without a dot at the end.
    case name(String)
    /// An address: 4 or 16 bytes.
    case address([UInt8])

    /// - Throws: `badName` for wildcards, unspecified addresses, ports, and letters outside of ASCII.
    public init(_ text: String) throws(CertificateError) {
        if let bytes = Self.bytes(text, AF_INET, 4) ?? Self.bytes(text, AF_INET6, 16) {
            guard bytes.contains(where: { $0 != 0 }) else { throw .badName(text) }
            self = .address(bytes)
            return
        }
        let name = text.lowercased()
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy(Self.isLabel),
            // What ends in digits is an address to some readers (WHATWG URL §3.5).
            let last = labels.last, !last.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw .badName(text) }
        self = .name(name)
    }

    /// As people write it.
    public var description: String {
        switch self {
        case .name(let name): name
        case .address(let bytes): Self.text(bytes)
        }
    }

    /// As it stands in `Host`, `:authority` and the address bar, where `443` is not written for `https`.
    public func authority(port: Int) -> String {
        let host = if case .address(let bytes) = self, bytes.count == 16 { "[\(description)]" } else { description }
        return port == 443 ? host : "\(host):\(port)"
    }

    /// Whether it leads to this machine only: an address of 127/8, `::1`, or `localhost` (RFC 6761 §6.3).
    public var isLoopback: Bool {
        switch self {
        case .name(let name): name == "localhost"
        case .address(let bytes): bytes.count == 4 ? bytes[0] == 127 : bytes == Array(repeating: 0, count: 15) + [1]
        }
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }
    }

    private static func bytes(_ text: String, _ family: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }

    private static func text(_ bytes: [UInt8]) -> String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
