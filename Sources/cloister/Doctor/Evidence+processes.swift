import Cell

extension Evidence {
    /// Where a cell's keys lie.
    var keys: Finding {
        switch confined.first(where: { $0.role == "cell" })?.keys {
        case "secret":
            .ok(
                "keys", "at rest in memory that is never swapped or dumped and that nobody else can read (memfd_secret)"
            )
        case "locked":
            .ok("keys", "at rest in memory that is never swapped or dumped (mlock); this kernel gave no memfd_secret")
        case "ordinary":
            .warning(
                "keys", "in ordinary memory: the kernel locked none, so swap may get them",
                remedy: "raise the limit on locked memory to 1 MiB or more: ulimit -l, or LimitMEMLOCK for a service")
        default:
            .warning("keys", "not seen: no cell could be started", remedy: "see the finding cell")
        }
    }

    /// Which program this is.
    var build: Finding {
        guard let digest = buildDigest else {
            return .warning("build", "the program could not be read", remedy: "mount /proc")
        }
        return .ok("build", "SHA-256 \(digest); compare with sha256sum of the program that you built or were given")
    }

    /// What the kernel says of a running server's processes.
    var running: Finding {
        guard isHeld, !processes.isEmpty else { return .ok("processes", "no server runs on this data directory") }
        let said = processes.map { one in
            let connections = one.connections.map { "\($0) connections" } ?? "connections are told to root only"
            return "\(one.role) \(one.process): \(one.filtered) of \(one.threads) threads filtered, \(connections)"
        }
        if processes.contains(where: { $0.filtered < $0.threads }) {
            return .problem(
                "processes", said.joined(separator: "; "),
                remedy: "stop the server, look at its messages, and report it as SECURITY.md says")
        }
        return .ok("processes", said.joined(separator: "; "))
    }
}
