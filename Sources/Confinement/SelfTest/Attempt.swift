/// One thing that a locked process tried, and what the kernel said.
public struct Attempt: Codable, Equatable, Sendable {
    /// What was tried.
    public let name: Name
    /// The kernel's refusal, as in `EPERM`; nil: it succeeded.
    public let refusal: String?
    /// Whether the table lets this role do it.
    public let isGranted: Bool

    /// Whether something succeeded that the table does not grant.
    public var isBreach: Bool { refusal == nil && !isGranted }

    /// What is tried; "made before": on a socket that was made before the lock.
    public enum Name: String, Codable, CaseIterable, Sendable {
        case connect = "TCP connection"
        case connectMadeBefore = "TCP connection, made before"
        case fastOpen = "TCP fast open by sendto"
        case fastOpenMadeBefore = "TCP fast open by sendto, made before"
        case fastOpenOption = "TCP fast open by setsockopt, made before"
        case udpSend = "UDP datagram"
        case udpSendMadeBefore = "UDP datagram, made before"
        case udpConnect = "UDP connect and write"
        case udpConnectMadeBefore = "UDP connect and write, made before"
        case bindAndListen = "listening on a port"
        case bindMadeBefore = "listening on a port, made before"
        case rawSocket = "raw socket"
        case packetSocket = "packet socket"
        case vsock = "vsock socket"
        case socketPair = "socket pair"
        case ring = "io_uring"
        case fork = "fork"
        case spawn = "starting a program"
        case execute = "becoming a program"
        case executeFromMemory = "becoming a program in memory"
        case executableMemory = "executable memory"
        case writeTemporary = "writing in the temporary directory"
        case writeBesideData = "writing beside the data directory"
        case readSystemFile = "reading /etc/passwd"
        case readPasswordHashes = "reading /etc/shadow"
        case trace = "ptrace of the parent"
        case readMemory = "reading the parent's memory"
        case takeDescriptor = "taking the parent's descriptors"
        case signalParent = "signalling the parent"
        case namespace = "leaving a namespace"
    }
}
