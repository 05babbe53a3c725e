/// What a process of Cloister does, and so what it may do.
public enum Role: String, Codable, CaseIterable, Sendable {
    /// Starts the others and hands them their descriptors, on a machine where nothing may dial out.
    case supervisor
    /// The same where a courier is configured: a filter is inherited, so it cannot deny what the courier needs.
    case supervisorOfCourier
    /// HTTP, the page, the sealed archive.
    case gateway
    /// The door for programs that cannot seal.
    case endpoints
    /// One person's keys and text.
    case cell
    /// One model: token ids in, token ids out.
    case engine
    /// The one door out.
    case courier
    /// Carries the seams of cells that run elsewhere, and reads nothing of them.
    case relay
}

/// Why a role may reach a path.
public enum Purpose: String, Codable, CaseIterable, Sendable {
    /// The sealed archive; given by the caller.
    case archive
    /// The data directory, or the folder of the socket on which engines or cells wait that were started by hand; given by the
    /// caller.
    case ownFolder
    /// The maps of ids of the processes that leave the network; given by the caller under an air gap. The kernel keeps
    /// one in each process's own folder, so the wall can name only the whole.
    case idMaps
    /// This program, and what loads it.
    case ownProgram
    /// What the runtime reads of its own threads (`/proc/<thread>/stat`); the rest of `/proc` cannot be told apart, but
    /// neither listed nor, where it shows another process's memory, environment or files, read.
    case threadStates
    /// The kernel's random bytes as a file, which SQLite reads.
    case randomness
    /// What tells local time from UTC, for log lines.
    case timeZone
    /// The certificates that the machine trusts.
    case trustRoots
    /// How names of hosts are resolved.
    case nameResolution

    /// Where it lies on every machine; empty if the caller must say.
    public var standardPaths: [String] {
        switch self {
        case .archive, .ownFolder, .idMaps: []
        case .ownProgram: ["/proc/self/exe", "/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"]
        case .threadStates: ["/proc"]
        case .randomness: ["/dev/urandom"]
        case .timeZone: ["/etc/localtime", "/usr/share/zoneinfo"]
        case .trustRoots: ["/etc/ssl", "/etc/pki", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"]
        case .nameResolution:
            [
                "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
                "/run/systemd/resolve",
            ]
        }
    }
}
