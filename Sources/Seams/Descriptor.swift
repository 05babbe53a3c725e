import Glibc

/// A file descriptor that is closed when nobody holds it any more.
public final class Descriptor: Sendable {
    /// The number; valid as long as this value lives.
    public let raw: Int32

    /// Takes a descriptor over.
    public init(_ raw: Int32) { self.raw = raw }

    deinit { close(raw) }

    /// Both ends of a stream between two processes of this machine.
    /// - Throws: `closed` if the process has no descriptors left.
    public static func pair() throws(SeamError) -> (Descriptor, Descriptor) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw .closed
        }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }

    /// A bell for a thread of this process that waits: what is written to `ring` is read from `heard`; neither blocks.
    ///
    /// A pipe, because most roles may make no sockets.
    /// - Throws: `closed` if the process has no descriptors left.
    public static func bell() throws(SeamError) -> (ring: Descriptor, heard: Descriptor) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .closed }
        let bell = (ring: Descriptor(ends[1]), heard: Descriptor(ends[0]))
        for end in ends {
            guard fcntl(end, F_SETFD, FD_CLOEXEC) == 0, fcntl(end, F_SETFL, O_NONBLOCK) == 0 else { throw .closed }
        }
        return bell
    }
}
