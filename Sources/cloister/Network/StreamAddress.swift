import Foundation
import Glibc
import Seams

/// Where a seam that was started by hand is found: `unix:/path`, or `vsock:CID:PORT` between a machine and its guests.
enum StreamAddress: Equatable {
    case unix(path: String)
    /// Nil: whoever asks.
    case vsock(context: UInt32?, port: UInt32)

    private static let backlog: Int32 = 16

    /// - Throws: `UserError` for anything else.
    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let numbers = parts.last?.split(separator: ":").map { UInt32($0) } ?? []
        switch (parts.first, numbers.count) {
        case ("unix", _) where parts.count == 2 && parts[1].hasPrefix("/") && parts[1].utf8.count < 104:
            self = .unix(path: parts[1])
        case ("vsock", 1): self = .vsock(context: nil, port: try Self.number(numbers[0]))
        case ("vsock", 2):
            self = .vsock(context: try Self.number(numbers[0]), port: try Self.number(numbers[1]))
        default: throw UserError("an address is unix:/path (at most 103 bytes), vsock:PORT or vsock:CID:PORT")
        }
    }

    private static func number(_ number: UInt32?) throws -> UInt32 {
        guard let number else { throw UserError("vsock addresses are numbers: vsock:CID:PORT") }
        return number
    }

    /// Waits there for others; a socket that an earlier process of this user left is replaced.
    /// - Throws: `UserError`.
    func listen() throws -> Descriptor {
        if case .unix(let path) = self {
            var status = stat()
            if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == geteuid() {
                unlink(path)
            }
        }
        let socket = try made()
        guard withAddress({ bind(socket.raw, $0, $1) }) == 0, Glibc.listen(socket.raw, Self.backlog) == 0 else {
            throw UserError("nobody can be awaited at \(self): \(String(cString: strerror(errno)))")
        }
        return socket
    }

    /// Hands over each who comes.
    static func serve(from listener: Descriptor, _ hand: @escaping @Sendable (Descriptor) async -> Void) {
        Thread.detachNewThread {
            while true {
                let socket = Glibc.accept(listener.raw, nil, nil)
                guard socket >= 0 else {
                    // Without descriptors there is nothing to do but wait until somebody leaves.
                    usleep(100_000)
                    continue
                }
                _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
                let connection = Descriptor(socket)
                Task { await hand(connection) }
            }
        }
    }

    /// Leaves nothing behind.
    func close() { if case .unix(let path) = self { unlink(path) } }

    /// Connects to who waits there.
    /// - Throws: `UserError`.
    func connect() throws -> Descriptor {
        let socket = try made()
        guard withAddress({ Glibc.connect(socket.raw, $0, $1) }) == 0 else {
            throw UserError("nobody answers at \(self): \(String(cString: strerror(errno)))")
        }
        return socket
    }

    private func made() throws -> Descriptor {
        let family = if case .unix = self { AF_UNIX } else { AF_VSOCK }
        let socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw UserError("\(self) is not known here: \(String(cString: strerror(errno)))") }
        return Descriptor(socket)
    }

    private func withAddress<R>(_ body: (UnsafePointer<sockaddr>?, socklen_t) throws -> R) rethrows -> R {
        switch self {
        case .unix(let path): try sockaddr_un(path: path).lent(body)
        case .vsock(let context, let port):
            try VsockAddress(port: port, context: context ?? VsockAddress.anybody).lent(body)
        }
    }
}

extension StreamAddress: CustomStringConvertible {
    var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .vsock(let context, let port): "vsock:\(context.map { "\($0):" } ?? "")\(port)"
        }
    }
}

/// The kernel's `struct sockaddr_vm` (vsock(7)), which Swift does not import.
private struct VsockAddress: SocketAddress {
    static let anybody = UInt32.max

    let family = sa_family_t(AF_VSOCK)
    let reserved: UInt16 = 0
    let port: UInt32
    let context: UInt32
    let flags: UInt32 = 0
}
