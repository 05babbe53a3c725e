import Glibc
import Seams

extension Entrance {
    /// Takes the port beyond loopback; a name is looked up now, before this process is sealed.
    /// - Throws: `UserError`.
    static func listener(_ reach: Reach) throws -> Descriptor {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(reach.host, String(reach.port), &hints, &found) == 0, let first = found else {
            throw UserError("--host \(reach.host.oneLine) leads to no address")
        }
        defer { freeaddrinfo(found) }
        return try listener(first.pointee.ai_family, first.pointee.ai_addr, first.pointee.ai_addrlen) { code in
            switch code {
            case EADDRINUSE: "port \(reach.port) is in use at \(reach.host); choose another with --tls-port"
            case EADDRNOTAVAIL: "--host \(reach.host) is no address of this machine"
            case EACCES: "this user may not listen on port \(reach.port); choose one over 1023 with --tls-port"
            default: "port \(reach.port) at \(reach.host) cannot be opened: \(String(cString: strerror(code)))"
            }
        }
    }
}
