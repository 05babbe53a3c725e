import Foundation

/// Scheme, host and port: what one dials and whom one trusts there.
public struct Origin: Hashable, Sendable {
    /// How bytes travel.
    public enum Scheme: String, Sendable {
        /// In the clear.
        case http
        /// Under TLS.
        case https

        var standardPort: Int { self == .http ? 80 : 443 }
    }

    /// Whom one dials.
    public enum Host: Hashable, Sendable {
        /// A DNS name in lower case.
        case name(String)
        /// An address, written down as such.
        case address(NetworkAddress)
    }

    /// How bytes travel.
    public let scheme: Scheme
    /// Whom one dials.
    public let host: Host
    /// 1 to 65,535.
    public let port: Int

    /// Reads `https://models.example`, `http://127.0.0.1:5000`, `https://[fd00::1]:443`; no path, no user, no other form
    /// of a number.
    /// - Throws: `CourierError.badAddress`.
    public init(_ text: some StringProtocol) throws(CourierError) {
        // Some letters outside ASCII become ASCII letters in lower case.
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw .badAddress(.host) }
        guard let mark = text.range(of: "://") else { throw .badAddress(.scheme) }
        guard let scheme = Scheme(rawValue: text[..<mark.lowerBound].lowercased()) else { throw .badAddress(.scheme) }
        let (host, port) = try Self.parts(String(text[mark.upperBound...]))
        self.scheme = scheme
        self.host = try Self.host(host)
        self.port = try port.map(Self.number) ?? scheme.standardPort
    }

    /// Splits `host:port`, where the host may stand in brackets.
    private static func parts(_ text: String) throws(CourierError) -> (host: Substring, port: Substring?) {
        guard !text.utf8.contains(UInt8(ascii: "@")) else { throw .badAddress(.user) }
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw .badAddress(.host) }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw .badAddress(.host) }
            return (text[...end], rest.isEmpty ? nil : rest.dropFirst())
        }
        guard let colon = text.firstIndex(of: ":") else { return (text[...], nil) }
        return (text[..<colon], text[text.index(after: colon)...])
    }

    private static func number(_ text: Substring) throws(CourierError) -> Int {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.utf8.first != 0x30, let port = Int(text), port <= 65_535
        else { throw .badAddress(.port) }
        return port
    }

    private static func host(_ text: Substring) throws(CourierError) -> Host {
        if text.hasPrefix("[") {
            guard let address = NetworkAddress(text.dropFirst().dropLast()), address.bytes.count == 16 else {
                throw .badAddress(.host)
            }
            return .address(address)
        }
        if let address = NetworkAddress(text), address.bytes.count == 4 { return .address(address) }
        let name = text.lowercased()
        guard isName(name) else { throw .badAddress(.host) }
        return .name(name)
    }

    /// Letters, digits and inner hyphens, and a last label that nobody could read as a number (WHATWG URL §3.5).
    private static func isName(_ name: String) -> Bool {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, let last = labels.last else { return false }
        return labels.allSatisfy(isLabel) && !last.utf8.allSatisfy { (0x30...0x39).contains($0) }
            && !last.hasPrefix("0x")
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
            && label.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }
}

extension Origin: CustomStringConvertible {
    /// The one way in which it is written; a standard port is left away.
    public var description: String {
        let name =
            switch host {
            case .name(let name): name
            case .address(let address): address.bytes.count == 16 ? "[\(address)]" : "\(address)"
            }
        return "\(scheme.rawValue)://\(name)" + (port == scheme.standardPort ? "" : ":\(port)")
    }
}
