import Archive
import Certificates
import Foundation

extension Banner {
    /// What changes for whom when the server can be reached from elsewhere; nothing if it cannot.
    static func reachLines(_ server: Server, _ reach: Reach?) -> [String] {
        guard let reach, let identity = server.identity, let first = reach.addresses.first else { return [] }
        let link = first + "/#" + (server.setupToken.map { "setup=\($0)&" } ?? "") + "node=\(server.cells.fingerprint)"
        return [
            "",
            "  beyond     \(reach.addresses.joined(separator: ", "))",
            "             whoever reaches \(reach.host) port \(reach.port) gets the page and may try to unlock",
            "             the page comes from this machine: who types there trusts it, and whoever runs it",
            "             programs are served on this machine only; elsewhere they need: cloister connect",
            reach.named.isEmpty
                ? "             passkeys need a name: they will not work at an address; add one to --names"
                : "             passkeys need a name: they will work at \(reach.named[0]) and at no address",
        ] + vouchers(identity, server.directory.path) + [
            "  link       \(link)"
        ]
    }

    private static func vouchers(_ identity: ServerIdentity, _ data: String) -> [String] {
        let end = ServerIdentity.day(identity.certificate.end)
        switch identity.source {
        case .own: return ["  TLS        your certificate, until \(end)"]
        case .authority(let fingerprint, let isNew):
            let text = fingerprint.description
            return [
                "  TLS        a local authority\(isNew ? ", NEW: nobody trusts it yet" : ""); its certificate, until \(end), is renewed at a start",
                "             \(data)/\(ServerIdentity.File.authority), to be trusted on every machine: docs/beyond-loopback.md",
                "             SHA-256 \(text.prefix(48))",
                "                     \(text.dropFirst(48))",
            ]
        }
    }
}
