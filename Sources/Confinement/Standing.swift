import CPlatform

/// What holds a process, as its kernel says at this moment.
public struct Standing: Codable, Equatable, Sendable {
    /// What the process was locked as.
    public let role: Role
    /// Landlock's version in force, as it was put there: the kernel cannot be asked; nil: none.
    public let landlock: Int?
    /// `PR_GET_SECCOMP`: 2 is a filter, 0 is none.
    public let seccomp: Int
    /// Whether no program that it starts can gain privileges.
    public let noNewPrivileges: Bool
    /// Whether others of its user may read its memory, or the kernel dump it.
    public let isDumpable: Bool
    /// Bytes of a core file, private writable memory in bytes, and open descriptors, at most; `UInt64.max`: no limit.
    public let limits: Limits
    /// What this kernel lacks, or the role leaves open, in words.
    public let lacking: [String]

    /// Resource limits in force.
    public struct Limits: Codable, Equatable, Sendable {
        /// Bytes of a core file.
        public let core: UInt64
        /// Bytes of private writable memory.
        public let memory: UInt64
        /// Open descriptors.
        public let descriptors: UInt64
    }

    init(_ role: Role, _ wall: (version: Int?, lacking: [String])) {
        self.role = role
        (landlock, lacking) = wall
        seccomp = max(0, cp_call("prctl", 21, 0, 0, 0, 0, 0))
        noNewPrivileges = cp_call("prctl", 39, 0, 0, 0, 0, 0) == 1
        isDumpable = cp_dumpable() != 0
        limits = Limits(
            core: cp_limit_in_force(CP_CORE), memory: cp_limit_in_force(CP_DATA),
            descriptors: cp_limit_in_force(CP_FILES))
    }
}
