import Endpoints
import Foundation
import Glibc
import Seams
import Synchronization

/// Who answers on a connection.
enum Counter: UInt8 {
    /// The gateway: the page and the channel.
    case page = 1
    /// The gateway's local socket, for the command line.
    case local
    /// The endpoints: programs that cannot seal.
    case endpoints
    /// The gateway, over TLS: whoever comes from elsewhere.
    case secure

    /// By the first bytes of a connection; nil: more of them are needed.
    ///
    /// Only the method and the first part of the path are looked at: they say nothing of what is asked.
    init?(_ start: ArraySlice<UInt8>) {
        let ends = Array(" /?#\r\n".utf8)
        guard let method = start.firstIndex(of: UInt8(ascii: " ")) else {
            guard start.count > Self.longestMethod || start.contains(UInt8(ascii: "\n")) else { return nil }
            self = .page
            return
        }
        let path = start[(method + 1)...].dropFirst()
        guard let end = path.firstIndex(where: ends.contains) else {
            guard path.count > Self.longestName else { return nil }
            self = .page
            return
        }
        self = Door.names.contains(String(decoding: path[..<end], as: UTF8.self)) ? .endpoints : .page
    }

    private static let longestMethod = 16
    private static let longestName = Door.names.map(\.utf8.count).max() ?? 0
}

/// Takes connections in and hands each to the process that answers on it.
///
/// It reads nothing: it looks at the first bytes where they lie, in the kernel.
final class Entrance: Sendable {
    /// A connection of which we do not know yet whose it is.
    private struct Newcomer {
        let socket: Descriptor
        let since = ContinuousClock.now
        /// Bytes that were there when we looked.
        var seen = 0
        /// Whether more is there now, or its end.
        var isReady = false
    }

    /// *Our choice*: connections at once; more wait in the kernel's queue.
    ///
    /// Those from elsewhere count for themselves, so
    /// that they keep nobody out who is here.
    private static let limit = 256, secureLimit = 128
    /// A connection that says nothing for this long is closed, sooner if others have no room.
    private static let patience = Duration.seconds(60), shortPatience = Duration.seconds(2)

    /// With a counter, every connection is for it.
    private let listeners: [(socket: Descriptor, counter: Counter?)]
    private let bell: (ring: Descriptor, heard: Descriptor)
    private let inside = Mutex<(count: Int, secure: Int, isClosed: Bool)>((0, 0, false))

    /// Takes the port on loopback, the local socket, and the port beyond loopback; nobody is heard yet.
    /// - Throws: `UserError` if a port is in use or this process may not listen.
    init(port: Int, socketPath: String? = nil, reach: Reach? = nil) throws {
        var listeners: [(Descriptor, Counter?)] = [(try Self.listener(port: port), nil)]
        if let socketPath { listeners.append((try Self.listener(path: socketPath), .local)) }
        if let reach { listeners.append((try Self.listener(reach), .secure)) }
        self.listeners = listeners
        bell = try Descriptor.bell()
    }

    /// Lets connections in.
    /// - Parameter hand: gives one away; it calls `leave` when the connection has ended.
    /// - Throws: `UserError` if another process took the port meanwhile.
    func open(_ hand: @escaping @Sendable (Counter, Descriptor) -> Void) throws {
        for (socket, _) in listeners where listen(socket.raw, Self.backlog) != 0 { throw UserError(Self.portInUse) }
        Thread.detachNewThread { [self] in
            var newcomers: [Newcomer] = []
            while wait(for: &newcomers) {
                newcomers =
                    newcomers.filter { !$0.isReady } + newcomers.filter(\.isReady).compactMap { look(at: $0, hand) }
                let patience = hasRoom(for: nil, beside: newcomers.count) ? Self.patience : Self.shortPatience
                newcomers.removeAll { $0.since.duration(to: .now) > patience }
                for (listener, counter) in listeners where hasRoom(for: counter, beside: newcomers.count) {
                    guard let socket = Self.accept(listener) else { continue }
                    if let counter { enter(counter, socket, hand) } else { newcomers.append(Newcomer(socket: socket)) }
                }
            }
        }
    }

    /// One connection less.
    func leave(_ counter: Counter) {
        inside.withLock { if counter == .secure { $0.secure -= 1 } else { $0.count -= 1 } }
        ring()
    }

    /// Lets nobody in any more.
    func close() {
        inside.withLock { $0.isClosed = true }
        // Who comes now is refused, and not left waiting for our end.
        for (socket, _) in listeners { shutdown(socket.raw, Int32(SHUT_RDWR)) }
        ring()
    }

    private func ring() { _ = write(bell.ring.raw, "\n", 1) }

    private func enter(_ counter: Counter, _ socket: Descriptor, _ hand: (Counter, Descriptor) -> Void) {
        inside.withLock { if counter == .secure { $0.secure += 1 } else { $0.count += 1 } }
        hand(counter, socket)
    }

    private func hasRoom(for counter: Counter?, beside newcomers: Int) -> Bool {
        inside.withLock { counter == .secure ? $0.secure < Self.secureLimit : $0.count + newcomers < Self.limit }
    }

    /// Waits until somebody knocks, speaks or leaves; false when the entrance was closed.
    private func wait(for newcomers: inout [Newcomer]) -> Bool {
        var polled = [pollfd(fd: bell.heard.raw, events: Int16(POLLIN), revents: 0)]
        polled += listeners.map { listener in
            let isOpen = hasRoom(for: listener.counter, beside: newcomers.count)
            return pollfd(fd: isOpen ? listener.socket.raw : -1, events: Int16(POLLIN), revents: 0)
        }
        polled += newcomers.map { pollfd(fd: $0.socket.raw, events: Int16(POLLIN), revents: 0) }
        _ = poll(&polled, nfds_t(polled.count), newcomers.isEmpty ? -1 : 1_000)
        for (index, answer) in polled.dropFirst(1 + listeners.count).enumerated() {
            newcomers[index].isReady = answer.revents != 0
        }
        var rung = [UInt8](repeating: 0, count: 256)
        while read(bell.heard.raw, &rung, rung.count) == rung.count {}
        return inside.withLock { !$0.isClosed }
    }

    /// Hands a connection away if its first bytes say to whom; else the same, to be waited for.
    private func look(at newcomer: Newcomer, _ hand: (Counter, Descriptor) -> Void) -> Newcomer? {
        let socket = newcomer.socket
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = recv(socket.raw, &bytes, bytes.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return newcomer }
        guard count > 0 else { return nil }
        // No more than before is its end.
        if let counter = count > newcomer.seen ? Counter(bytes[..<count]) : .page {
            Self.set(SO_RCVLOWAT, 1, on: socket)
            enter(counter, socket, hand)
            return nil
        }
        // Wakes us with the next byte, not with those that were seen.
        Self.set(SO_RCVLOWAT, Int32(count) + 1, on: socket)
        var waiting = newcomer
        (waiting.seen, waiting.isReady) = (count, false)
        return waiting
    }

    private static func accept(_ listener: Descriptor) -> Descriptor? {
        let socket = Glibc.accept(listener.raw, nil, nil)
        guard socket >= 0 else { return nil }
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        return Descriptor(socket)
    }

    private static func set(_ option: Int32, _ value: Int32, on socket: Descriptor) {
        var value = value
        setsockopt(socket.raw, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

extension Entrance {
    fileprivate static let backlog: Int32 = 256
    fileprivate static let portInUse = "the port is in use; choose another with --port"

    fileprivate static func listener(port: Int) throws -> Descriptor {
        guard let number = UInt16(exactly: port) else { throw UserError("there is no port \(port)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = number.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return try address.lent { start, size in
            try listener(AF_INET, start, size) { code in
                code == EADDRINUSE
                    ? portInUse
                    : "port \(port) cannot be opened: \(String(cString: strerror(code)))"
            }
        }
    }

    fileprivate static func listener(path: String) throws -> Descriptor {
        try sockaddr_un(path: path).lent { start, size in
            try listener(AF_UNIX, start, size) {
                "the socket \(path) cannot be made: \(String(cString: strerror($0)))"
            }
        }
    }

    /// A bound socket.
    static func listener(
        _ family: Int32, _ address: UnsafePointer<sockaddr>?, _ size: socklen_t, _ explain: (Int32) -> String
    ) throws -> Descriptor {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Descriptor(Glibc.socket(family, kind, 0))
        set(SO_REUSEADDR, 1, on: socket)
        guard bind(socket.raw, address, size) == 0 else { throw UserError(explain(errno)) }
        return socket
    }
}
