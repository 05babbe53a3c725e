import CPlatform

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The attempts themselves.
///
/// Some errors mean that the kernel let the call in and only its arguments were wrong, on
/// purpose, so that success does no harm.
enum Trial {
    static var parent: Int { cp_call("getppid", 0, 0, 0, 0, 0, 0) }
    private static let currentDirectory = -100
    private static let badPointer = 1

    private static func letIn(_ result: Int, by error: Int32) -> Int { result == -Int(error) ? 0 : result }

    static func closing(_ descriptor: Int) -> Int {
        if descriptor >= 0 { close(Int32(descriptor)) }
        return descriptor
    }

    static func withSocket(_ kind: Int, _ body: (Int) -> Int) -> Int {
        let descriptor = Loopback.socket(kind)
        defer { _ = closing(descriptor) }
        return descriptor < 0 ? descriptor : body(descriptor)
    }

    static func connect(_ descriptor: Int, _ port: UInt16) -> Int {
        let result = Loopback.withAddress(port) { cp_call("connect", descriptor, $0, $1, 0, 0, 0) }
        return letIn(result, by: EINPROGRESS)
    }

    static func connectAndWrite(_ descriptor: Int, _ port: UInt16) -> Int {
        let result = connect(descriptor, port)
        return result < 0 ? result : withByte { cp_call("write", descriptor, $0, 1, 0, 0, 0) }
    }

    static func send(_ descriptor: Int, _ port: UInt16, flags: Int) -> Int {
        let result = withByte { byte in
            Loopback.withAddress(port) { cp_call("sendto", descriptor, byte, 1, flags, $0, $1) }
        }
        return letIn(result, by: EINPROGRESS)
    }

    static func fastOpenByOption(_ descriptor: Int, _ port: UInt16) -> Int {
        // TCP_FASTOPEN_CONNECT: the connection goes out with the first write.
        var one: Int32 = 1
        let result = withUnsafePointer(to: &one) {
            cp_call("setsockopt", descriptor, 6, 30, Int(bitPattern: $0), 4, 0)
        }
        return result < 0 ? result : letIn(connectAndWrite(descriptor, port), by: EAGAIN)
    }

    static func listen(_ descriptor: Int) -> Int {
        let result = Loopback.bind(descriptor)
        return result < 0 ? result : cp_call("listen", descriptor, 1, 0, 0, 0, 0)
    }

    static func socketPair() -> Int {
        var ends: [Int32] = [-1, -1]
        let result = ends.withUnsafeMutableBytes {
            cp_call("socketpair", 1, 1, 0, Int(bitPattern: $0.baseAddress), 0, 0)
        }
        for end in ends { _ = closing(Int(end)) }
        return result
    }

    static func ring() -> Int {
        var parameters = [UInt64](repeating: 0, count: 15)
        return parameters.withUnsafeMutableBytes {
            closing(cp_call("io_uring_setup", 1, Int(bitPattern: $0.baseAddress), 0, 0, 0, 0))
        }
    }

    static func spawn() -> Int {
        var child: pid_t = 0
        let failed = posix_spawn(&child, "/bin/true", nil, nil, [nil], [nil])
        if failed == 0 { waitpid(child, nil, 0) }
        return -Int(failed)
    }

    /// The kernel opens the program first and reads the arguments then: EFAULT is behind both walls.
    static func execute() -> Int {
        letIn(
            "/proc/self/exe".withCString { cp_call("execve", Int(bitPattern: $0), badPointer, 0, 0, 0, 0) }, by: EFAULT)
    }

    static func executeFromMemory() -> Int {
        "".withCString { empty in
            let file = cp_call("memfd_create", Int(bitPattern: empty), 1, 0, 0, 0, 0)
            guard file >= 0 else { return file }
            defer { _ = closing(file) }
            let result = cp_call("execveat", file, Int(bitPattern: empty), badPointer, 0, Int(Kernel.emptyPath), 0)
            return letIn(result, by: EFAULT)
        }
    }

    static func executableMemory() -> Int {
        // MAP_PRIVATE | MAP_ANONYMOUS; once asked for at once, once changed later.
        let (size, anonymous, code) = (4_096, 0x22, 1 | Int(Kernel.executable))
        let page = cp_call("mmap", 0, size, code, anonymous, -1, 0)
        if page >= 0 { return cp_call("munmap", page, size, 0, 0, 0, 0) }
        let data = cp_call("mmap", 0, size, 3, anonymous, -1, 0)
        defer { _ = cp_call("munmap", data, size, 0, 0, 0, 0) }
        return cp_call("mprotect", data, size, code, 0, 0, 0)
    }

    static func write(in directory: String) -> Int {
        let path = directory + "/cloister-self-test-\(cp_call("getpid", 0, 0, 0, 0, 0, 0))"
        let (create, mode) = (O_WRONLY | O_CREAT | O_EXCL, 0o600)
        let file = path.withCString {
            cp_call("openat", currentDirectory, Int(bitPattern: $0), Int(create), mode, 0, 0)
        }
        if file >= 0 { unlink(path) }
        return closing(file)
    }

    static func read(_ path: String) -> Int {
        closing(path.withCString { cp_call("openat", currentDirectory, Int(bitPattern: $0), 0, 0, 0, 0) })
    }

    /// PTRACE_PEEKDATA of a process that is not traced: ESRCH from whoever may call it, and nobody is stopped.
    static func trace() -> Int { letIn(cp_call("ptrace", 2, parent, 0, 0, 0, 0), by: ESRCH) }

    /// From an address where nothing is: EFAULT from whoever may read.
    static func readMemory() -> Int {
        var byte: UInt8 = 0
        return withUnsafeMutableBytes(of: &byte) { bytes in
            let vectors = [Int(bitPattern: bytes.baseAddress), 1, 4_096, 1]
            return vectors.withUnsafeBytes { both in
                let (local, remote) = (Int(bitPattern: both.baseAddress), Int(bitPattern: both.baseAddress) + 16)
                return letIn(cp_call("process_vm_readv", parent, local, 1, remote, 1, 0), by: EFAULT)
            }
        }
    }

    static func takeDescriptor() -> Int {
        let process = cp_call("pidfd_open", parent, 0, 0, 0, 0, 0)
        defer { _ = closing(process) }
        return process < 0 ? process : closing(cp_call("pidfd_getfd", process, 0, 0, 0, 0, 0))
    }

    private static func withByte<R>(_ body: (Int) -> R) -> R {
        var byte: UInt8 = 0
        return withUnsafeMutableBytes(of: &byte) { body(Int(bitPattern: $0.baseAddress)) }
    }
}
