import Cell
import Glibc
import Seams

/// Reads this process's TCP sockets from the kernel's tables: what it listens on, whom it called, who called it.
enum SocketTables {
    private static let states = [
        "01": "established", "02": "connecting", "06": "closing", "08": "closing", "0A": "listening",
    ]

    private static let paths = ["/proc/self/net/tcp", "/proc/self/net/tcp6"]

    /// The tables of this process's network, to be read once by a process that has another one.
    static func open() -> [Descriptor] {
        paths.map { Glibc.open($0, O_RDONLY | O_CLOEXEC) }.filter { $0 >= 0 }.map { Descriptor($0) }
    }

    /// - Parameter tables: what `open` gave, in the network in which the sockets were made.
    static func read(_ tables: [Descriptor] = open()) -> ProcessEvidence {
        let own = ownSockets()
        let all = tables.flatMap { lines(of: $0).compactMap { Socket($0) } }
        // A connection on a port where somebody listens was made to us; any other was made by us.
        let ports = Set(all.filter { $0.state == "0A" }.map(\.local.port))
        let listening = all.filter { $0.state == "0A" && own.contains($0.inode) }
        let connected = all.filter { $0.state != "0A" && own.contains($0.inode) }
        let outgoing = connected.filter { !ports.contains($0.local.port) }
        return ProcessEvidence(
            listening: listening.map(\.local.text),
            outgoing: outgoing.map {
                .init(local: $0.local.text, remote: $0.remote.text, state: states[$0.state] ?? "other")
            }, accepted: connected.count - outgoing.count,
            source: "/proc/self/net/tcp, /proc/self/net/tcp6", process: Int(getpid()))
    }

    /// The connections of this machine, by inode; no listeners.
    static func inodes() -> Set<String> {
        Set(open().flatMap { lines(of: $0).compactMap { Socket($0) } }.filter { $0.state != "0A" }.map(\.inode))
    }

    /// The user whose process listens on a port of this machine; nil: nobody does.
    static func listener(on port: Int) -> UInt32? {
        open().flatMap { lines(of: $0).compactMap { Socket($0) } }
            .first { $0.state == "0A" && $0.local.port == port }?.user
    }

    private struct Endpoint {
        let text: String
        let port: Int

        /// `0100007F:20E4`: the address in 32-bit words of the machine's byte order, the port in hexadecimal.
        init?(_ field: Substring) {
            let parts = field.split(separator: ":")
            guard parts.count == 2, let port = Int(parts[1], radix: 16) else { return nil }
            self.port = port
            let bytes = stride(from: 0, to: parts[0].count, by: 8).flatMap { offset -> [UInt8] in
                let start = parts[0].index(parts[0].startIndex, offsetBy: offset)
                let end = parts[0].index(start, offsetBy: 8, limitedBy: parts[0].endIndex) ?? parts[0].endIndex
                return UInt32(parts[0][start..<end], radix: 16).map { word in
                    (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
                } ?? []
            }
            if bytes.count == 4 {
                text = bytes.map(String.init).joined(separator: ".") + ":\(port)"
            } else {
                let groups = stride(from: 0, to: bytes.count - 1, by: 2).map {
                    String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16)
                }
                text = "[" + groups.joined(separator: ":") + "]:\(port)"
            }
        }
    }

    private struct Socket {
        let local, remote: Endpoint
        let state: String
        let inode: String
        let user: UInt32?

        init?(_ line: Substring) {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 9, let local = Endpoint(fields[1]), let remote = Endpoint(fields[2]) else {
                return nil
            }
            (self.local, self.remote, state, inode) = (local, remote, String(fields[3]), String(fields[9]))
            user = UInt32(fields[7])
        }
    }

    private static func lines(of table: Descriptor) -> [Substring] {
        var (text, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while case let count = Glibc.read(table.raw, &buffer, buffer.count), count > 0 { text += buffer.prefix(count) }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").dropFirst().map { $0 }
    }

    /// Inodes of the sockets that this process holds; a locked one may not list `/proc/self/fd`.
    private static func ownSockets() -> Set<String> {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return [] }
        var inodes: Set<String> = []
        for descriptor in 0..<Int32(clamping: min(limit.rlim_cur, 65_536)) {
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { continue }
            inodes.insert(String(status.st_ino))
        }
        return inodes
    }
}
