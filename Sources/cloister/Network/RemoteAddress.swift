import Certificates
import Foundation

/// Where another Cloister is, as a person writes it: an address, or the whole link with the node's fingerprint.
struct RemoteAddress: Equatable, Sendable {
    let name: ServerName
    let port: Int
    let isSecure: Bool
    /// The node's, from the link's fragment; nil: the address has none.
    let fingerprint: String?

    /// - Throws: `UserError`.
    init(_ text: String) throws {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(), let host = parts.host,
            ["http", "https"].contains(scheme), parts.user == nil, parts.password == nil, parts.query == nil,
            ["", "/"].contains(parts.path), let name = try? ServerName(host.trimmingBrackets)
        else { throw UserError("this is no address of a Cloister; it looks like https://cloister.example:8443") }
        isSecure = scheme == "https"
        guard isSecure || name.isLoopback else {
            throw UserError("without TLS only this machine is asked: write https://")
        }
        guard (1...65_535).contains(parts.port ?? 443) else { throw UserError("a port is a number from 1 to 65535") }
        self.name = name
        port = parts.port ?? (isSecure ? 443 : 80)
        let fields = (parts.fragment ?? "").split(separator: "&").filter { $0.hasPrefix("node=") }
        fingerprint = try fields.first.map { try Self.node(String($0.dropFirst(5))) }
    }

    /// A node's fingerprint: 43 characters of base64url.
    /// - Throws: `UserError`.
    static func node(_ text: String) throws -> String {
        let letters = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x2D || byte == 0x5F
        }
        guard text.utf8.count == 43, letters else {
            throw UserError("a node's fingerprint has 43 letters; it stands after \"node=\" in the link of that server")
        }
        return text
    }

    /// What is written in `Host`.
    var authority: String {
        isSecure ? name.authority(port: port) : port == 80 ? name.authority(port: 443) : name.authority(port: port)
    }

    /// The same for every way of writing it; under it the node is pinned.
    var place: String { (isSecure ? "https://" : "http://") + authority }
}

extension String {
    /// As `URLComponents` gives addresses of IPv6.
    fileprivate var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}
