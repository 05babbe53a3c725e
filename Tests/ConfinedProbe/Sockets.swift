import Foundation

/// The sockets that a supervisor would hand to its children.
enum Sockets {
    private static let stream = Int32(SOCK_STREAM.rawValue)

    static func pair() -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        precondition(socketpair(AF_UNIX, stream, 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    static func listener() -> Int32 {
        let listener = socket(AF_INET, stream, 0)
        let bound = withLoopback(port: 0) { bind(listener, $0, $1) }
        return bound == 0 && listen(listener, 8) == 0 ? listener : -1
    }

    /// Both ends of a TCP connection on this machine.
    static func connection() -> (server: Int32, client: Int32) {
        let (listener, client) = (listener(), socket(AF_INET, stream, 0))
        defer { close(listener) }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = withUnsafeMutableBytes(of: &address) { bytes -> Int32 in
            let address = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
            getsockname(listener, address, &size)
            return connect(client, address, size)
        }
        precondition(connected == 0)
        return (accept(listener, nil, nil), client)
    }

    /// `cmsghdr` is length (8 bytes), level and type (4 each); one descriptor of 4 bytes follows, padded to 8.
    static func send(_ descriptor: Int32, over socket: Int32) {
        var control = Data()
        withUnsafeBytes(of: (UInt64(20), Int32(SOL_SOCKET), Int32(1), descriptor, Int32(0))) {
            control.append(contentsOf: $0)
        }
        precondition(message(&control) { sendmsg(socket, &$0, 0) } == 1)
    }

    static func receive(over socket: Int32) -> Int32 {
        var control = Data(count: 24)
        guard message(&control, { recvmsg(socket, &$0, 0) }) == 1 else { return -1 }
        return control.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 16, as: Int32.self) }
    }

    private static func message(_ control: inout Data, _ body: (inout msghdr) -> Int) -> Int {
        var byte: UInt8 = 1
        return control.withUnsafeMutableBytes { control in
            withUnsafeMutableBytes(of: &byte) { byte in
                var vector = iovec(iov_base: byte.baseAddress, iov_len: 1)
                return withUnsafeMutablePointer(to: &vector) { vector in
                    var message = msghdr()
                    (message.msg_iov, message.msg_iovlen) = (vector, 1)
                    (message.msg_control, message.msg_controllen) = (control.baseAddress, control.count)
                    return body(&message)
                }
            }
        }
    }

    private static func withLoopback<R>(port: UInt16, _ body: (UnsafePointer<sockaddr>?, socklen_t) -> R) -> R {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafeBytes(of: &address) {
            body($0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
        }
    }
}
