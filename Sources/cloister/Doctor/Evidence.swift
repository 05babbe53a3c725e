import Cell

/// What the doctor saw on this machine; judged by `findings`, gathered by `Examination`.
struct Evidence {
    enum Directory: Equatable {
        case absent, trusted
        /// Why Cloister does not use it.
        case refused(String)
    }

    enum Database: Equatable {
        case absent, whole
        /// Why nobody looked.
        case unchecked(String)
        case damaged(String)
    }

    /// A file of the data directory.
    struct File: Equatable {
        let name: String
        /// Permission bits.
        let mode: UInt32
        let isOurs: Bool
    }

    /// A process of a running server, as the kernel shows it to others.
    struct Running: Equatable {
        let role: String
        let process: Int
        /// Threads, and those behind a filter of system calls that can gain no privileges.
        let threads, filtered: Int
        /// TCP connections that it holds; nil: the kernel does not tell this user.
        let connections: Int?
    }

    /// Where memory may be written to.
    struct Swap: Equatable {
        let name: String
        /// Whether it is in memory or on an encrypted device, as far as the kernel says.
        let isCovered: Bool
    }

    /// How much of a process the kernel would write out after a crash.
    struct Crashes: Equatable {
        /// `SWIFT_BACKTRACE`.
        var backtrace: String?
        /// `RLIMIT_CORE` as the kernel prints it.
        var coreLimit: String?
        /// `PR_GET_DUMPABLE`.
        var isDumpable: Bool
        /// `/proc/sys/kernel/core_pattern`.
        var corePattern: String
    }

    var path: String
    var directory: Directory
    /// Whether a server holds the directory.
    var isHeld: Bool
    /// The process that holds it, if the kernel tells.
    var holder: Int?
    /// Whether the server answers on its socket.
    var answers: Bool
    var port: Int
    /// The user whose process listens on the port; nil: nobody listens.
    var listener: UInt32?
    var user: UInt32
    /// Bytes free for this user where the data lies; nil: not told.
    var freeBytes: Int?
    var files: [File]
    var database: Database
    /// Bytes that can be had without swapping; nil: not told.
    var availableMemory: Int?
    /// The models, the standard one first.
    var models: [ModelDescription]
    /// Why there are none.
    var modelFault: String?
    /// What looked like a model and is not offered.
    var skipped: Int
    /// The processor's features, in the kernel's words.
    var features: Set<String>
    /// What the engine chose.
    var kernels: String
    var crashes: Crashes
    var swaps: [Swap]
    /// SHA-256 of the program that runs now; nil: it cannot be read.
    var buildDigest: String?
    /// The processes of the server that holds the directory.
    var processes: [Running]
    var airGap: AirGap
    /// How many registries are configured.
    var registries: Int
    /// The network namespace of this process.
    var namespace: String
    /// What processes of each role said after their lock; empty if none could be started.
    var confined: [ConfinedProcess]
    /// Seconds since 1970.
    var now: Int
    /// When the archive was written last, seconds since 1970; nil: never.
    var lastWrite: Int?
    /// Who vouches for this server beyond loopback.
    var network = Network.none
}
