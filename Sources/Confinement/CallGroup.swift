/// System calls that belong together, under a name that a person can judge; `docs/confinement.md` prints this file.
public struct CallGroup: Sendable {
    /// The name in the table.
    public let name: String
    /// What a process can do with it.
    public let purpose: String
    /// The calls.
    public let rules: [Rule]

    init(_ name: String, _ purpose: String, _ rules: [Rule]) {
        (self.name, self.purpose, self.rules) = (name, purpose, rules)
    }

    static let memory = CallGroup(
        "memory", "map and free its own memory and received files, never as code",
        [
            "brk", "madvise", "membarrier", "mincore", "mlock", "mlock2", "mremap", "munlock", "munmap",
            Rule("mmap", .lacks(2, Kernel.executable)), Rule("mprotect", .lacks(2, Kernel.executable)),
        ])

    static let threads = CallGroup(
        "threads", "start threads, wait, end; no new process",
        [
            "exit", "exit_group", "futex", "getcpu", "restart_syscall", "rseq", "sched_getaffinity",
            "sched_get_priority_max", "sched_get_priority_min", "sched_getparam", "sched_getscheduler",
            "sched_yield", "set_robust_list",
            Rule("clone", .has(0, Kernel.thread), .lacks(0, Kernel.namespaces)), Rule("clone3", answer: .hidden),
            // PRIO_PROCESS of the calling thread
            Rule("setpriority", .among(0, [0]), .among(1, [0])),
            // PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS
            Rule("prctl", .among(0, [15, 16, 3, 21, 39])),
        ])

    static let itself = CallGroup(
        "itself", "ask who and where it is, the time, random bytes; signal itself",
        [
            "clock_getres", "clock_gettime", "clock_nanosleep", "getcwd", "getegid", "geteuid", "getgid", "getpgid",
            "getpgrp", "getpid", "getppid", "getrandom", "getrlimit", "getrusage", "gettid", "gettimeofday", "getuid",
            "nanosleep", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
            "sigaltstack", "sysinfo",
            "time", "uname",
            Rule("kill", .isThisProcess(0)), Rule("tgkill", .isThisProcess(0)),
            Rule("prlimit64", .among(0, [0]), .isNull(2)),
        ])

    static let descriptors = CallGroup(
        "descriptors", "read, write and wait on what it was given; receive more over its control socket",
        [
            "close", "close_range", "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait",
            "epoll_pwait2", "epoll_wait", "eventfd2", "fstat", "lseek", "pipe", "pipe2", "poll", "ppoll", "pread64",
            "pselect6", "read", "readv", "recvfrom", "recvmsg", "select", "shutdown", "signalfd4", "timerfd_create",
            "timerfd_gettime", "timerfd_settime", "write", "writev",
            Rule("newfstatat", .has(3, Kernel.emptyPath)), Rule("statx", .has(2, Kernel.emptyPath)),
            // F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS
            Rule("fcntl", .among(1, [0, 1, 2, 3, 4, 1030, 1033, 1034])),
            // TCGETS, FIONREAD, FIONBIO, FIOCLEX
            Rule("ioctl", .among(1, [0x5401, 0x541B, 0x5421, 0x5451])),
        ])

    static let handingOn = CallGroup(
        "handing on", "send what it was given to others, over sockets that it was given",
        [Rule("sendmsg", .lacks(2, Kernel.fastOpen))])

    static let noFiles = CallGroup(
        "no files",
        "open nothing at all; what the runtime asks about its own threads is answered inside of the process",
        [Rule("openat", answer: .answered)])

    static let reading = CallGroup(
        "reading files", "open for reading, list, look up, within the paths of the role",
        [
            "access", "faccessat", "faccessat2", "fadvise64", "fstatfs", "getdents64", "lstat", "newfstatat", "pread64",
            "preadv", "readlink", "readlinkat", "stat", "statfs", "statx",
            Rule("open", .lacks(1, Kernel.writing)), Rule("openat", .lacks(2, Kernel.writing)),
        ])

    static let writing = CallGroup(
        "writing files", "make, change, lock and remove, within the paths of the role",
        [
            "copy_file_range", "fallocate", "fchmod", "fchown", "fdatasync", "flock", "fsync",
            "ftruncate", "link", "linkat", "mkdir", "mkdirat", "open", "openat", "pwrite64", "pwritev", "rename",
            "renameat", "renameat2", "rmdir", "umask", "unlink", "unlinkat",
            // F_GETLK, F_SETLK, F_SETLKW, and the same for open file descriptions
            Rule("fcntl", .among(1, [5, 6, 7, 36, 37, 38])),
        ])

    static let filling = CallGroup(
        "filling a file", "fill, cut and sync a file that it was given; it opens none for writing",
        ["fsync", "ftruncate", "pwrite64"])

    static let connections = CallGroup(
        "connections", "ask and set the simple options of connections that it was given",
        [
            "getpeername", "getsockname", "getsockopt",
            // SOL_SOCKET; of IPPROTO_TCP only TCP_NODELAY: never fast open, never repair
            Rule("setsockopt", .among(1, [1])), Rule("setsockopt", .among(1, [6]), .among(2, [1])),
        ])

    static let dialling = CallGroup(
        "dialling", "open TCP connections, and UDP so that names resolve",
        [
            "connect",
            Rule(
                "socket", .among(0, Kernel.internetFamilies),
                .among(1, [Kernel.stream, Kernel.datagram], mask: Kernel.kindOfSocket)),
            Rule("sendto", .isNull(4), .lacks(3, Kernel.fastOpen)), Rule("sendmmsg", .lacks(3, Kernel.fastOpen)),
        ])

    static let listening = CallGroup(
        "listening", "listen, accept, and hand descriptors to its children",
        [
            "accept", "accept4", "bind", "listen",
            Rule("socket", .among(0, [1, 2, 10]), .among(1, [Kernel.stream], mask: Kernel.kindOfSocket)),
            Rule("socketpair", .among(0, [Kernel.unixFamily])),
            Rule("sendto", .isNull(4), .lacks(3, Kernel.fastOpen)), Rule("sendmsg", .lacks(2, Kernel.fastOpen)),
        ])

    static let children = CallGroup(
        "children", "start this program again, watch and end it; what a program needs to start and to lock itself",
        [
            "arch_prctl", "capset", "chdir", "clone3", "execve", "fork", "kill", "landlock_add_rule",
            "landlock_create_ruleset", "landlock_restrict_self", "memfd_create", "memfd_secret", "mmap", "mprotect",
            "pidfd_open",
            "pidfd_send_signal", "prctl", "prlimit64", "seccomp", "set_tid_address", "setpgid", "setrlimit", "setsid",
            "tgkill", "vfork", "wait4", "waitid",
            // Of namespaces only those of an air gap: an empty network, and the user namespace that it takes.
            Rule("clone", .lacks(0, Kernel.namespaces)), Rule("unshare", .among(0, [Kernel.emptyNetwork])),
        ])

    /// All groups, in the order of the table.
    public static let all = [
        memory, threads, itself, descriptors, handingOn, noFiles, reading, writing, filling, connections, dialling,
        listening,
        children,
    ]
}
