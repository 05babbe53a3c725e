import Glibc

/// A socket's address, as the calls of the kernel take it.
protocol SocketAddress {}

extension SocketAddress {
    func lent<R>(_ body: (UnsafePointer<sockaddr>?, socklen_t) throws -> R) rethrows -> R {
        try withUnsafeBytes(of: self) { bytes in
            try body(bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
    }
}

extension sockaddr_in: SocketAddress {}
extension sockaddr_un: SocketAddress {
    /// - Parameter path: at most 107 bytes.
    init(path: String) {
        self.init()
        sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    }
}
