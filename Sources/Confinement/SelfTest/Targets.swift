import CPlatform

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Listeners on loopback that would answer a process that is not locked.
///
/// Whoever starts the self-test opens them, before it is locked itself.
public final class Listeners: Sendable {
    /// A port on which TCP is accepted.
    public let tcpPort: UInt16
    /// A port on which datagrams arrive.
    public let udpPort: UInt16
    private let descriptors: [Int32]

    /// Opens both; nil if this process may not.
    public init?() {
        let opened = [Loopback.stream, Loopback.datagram].compactMap { Loopback.bound($0) }
        descriptors = opened.map(\.descriptor)
        guard opened.count == 2, listen(descriptors[0], 64) == 0 else { return nil }
        (tcpPort, udpPort) = (opened[0].port, opened[1].port)
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}

/// What a self-test aims at.
///
/// Made before the lock, because it makes sockets; each serves for one self-test.
public struct Targets: ~Copyable, Sendable {
    let tcpPort: UInt16
    let udpPort: UInt16
    let temporary: String
    let besideData: String
    let made: [Attempt.Name: Int32]

    /// - Parameters:
    ///   - temporary: a directory in which anybody may write.
    ///   - besideData: the directory that holds the data directory.
    public init(tcpPort: UInt16, udpPort: UInt16, temporary: String, besideData: String) {
        (self.tcpPort, self.udpPort, self.temporary, self.besideData) = (tcpPort, udpPort, temporary, besideData)
        let streams = [Attempt.Name.connectMadeBefore, .fastOpenMadeBefore, .fastOpenOption, .bindMadeBefore]
            .map { ($0, Int32(Loopback.socket(Loopback.stream))) }
        let datagrams = [Attempt.Name.udpSendMadeBefore, .udpConnectMadeBefore]
            .map { ($0, Int32(Loopback.socket(Loopback.datagram))) }
        made = Dictionary(uniqueKeysWithValues: streams + datagrams)
    }

    deinit { for descriptor in made.values where descriptor >= 0 { close(descriptor) } }
}

/// Sockets of this machine, past the C library.
enum Loopback {
    static let internet = 2, stream = 1, datagram = 2
    private static let nonBlocking = 0o4000, closeOnExec = 0o2000000

    /// Sockets do not block: an attempt never hangs, and a connection that was begun counts as let out.
    static func socket(_ kind: Int) -> Int {
        cp_call("socket", internet, kind | nonBlocking | closeOnExec, 0, 0, 0, 0)
    }

    /// Lends `sockaddr_in` of 127.0.0.1.
    static func withAddress<R>(_ port: UInt16, _ body: (_ address: Int, _ size: Int) -> R) -> R {
        var bytes: [UInt8] = [2, 0, UInt8(port >> 8), UInt8(port & 0xFF), 127, 0, 0, 1] + Array(repeating: 0, count: 8)
        return bytes.withUnsafeMutableBytes { body(Int(bitPattern: $0.baseAddress), $0.count) }
    }

    static func bind(_ descriptor: Int) -> Int {
        withAddress(0) { cp_call("bind", descriptor, $0, $1, 0, 0, 0) }
    }

    static func bound(_ kind: Int) -> (descriptor: Int32, port: UInt16)? {
        let descriptor = socket(kind)
        guard descriptor >= 0, bind(descriptor) >= 0 else { return nil }
        return withAddress(0) { address, size in
            var size = UInt32(size)
            guard
                withUnsafePointer(
                    to: &size,
                    {
                        cp_call("getsockname", descriptor, address, Int(bitPattern: $0), 0, 0, 0)
                    }) == 0, let bytes = UnsafePointer<UInt8>(bitPattern: address)
            else { return nil }
            return (Int32(descriptor), UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
        }
    }
}
