import CPlatform

/// Locks the calling process for its role, for good, and lets it prove that by trying.
///
/// Knows nothing of what the processes do. Landlock and no-new-privileges hold the calling thread and what it starts,
/// so they come before other threads exist; the filter covers all threads and comes when the role has all it needs.
/// On other systems than Linux nothing is enforced, and the standing says so.
public enum Confinement {
    static var process: Int32 { Int32(cp_call("getpid", 0, 0, 0, 0, 0, 0)) }

    /// Both steps at once, for a process of one thread that has all it needs.
    public static func lock(_ role: Role, paths: [Purpose: String] = [:]) throws(ConfinementError) -> Standing {
        try prepare(role, paths: paths).seal()
    }

    /// The first step: no dumps, limits, no new privileges, the wall of files.
    ///
    /// Call before the first `await`.
    /// - Parameter paths: where the purposes lie that have no standard place.
    /// - Throws: `threads` if there is more than one.
    public static func prepare(_ role: Role, paths: [Purpose: String] = [:]) throws(ConfinementError) -> Preparation {
        #if os(Linux)
            let threads = KernelStatus(of: process)?.threads ?? 0
            guard threads == 1 else { throw .threads(threads) }
            let permissions = role.permissions
            try ConfinementError.check(cp_no_dumps(), .noDumps)
            try ConfinementError.check(cp_lower_limit(CP_FILES, permissions.descriptors), .limits)
            try ConfinementError.check(cp_lower_limit(CP_DATA, permissions.memory), .limits)
            try ConfinementError.check(cp_no_new_privileges(), .noNewPrivileges)
            let wall = try FileWall(permissions, paths)
            return Preparation(role: role, landlock: wall.version, lacking: wall.lacking)
        #else
            return Preparation(role: role, landlock: nil, lacking: ["everything: this is not Linux"])
        #endif
    }

    /// A process between the two steps.
    public struct Preparation: Sendable {
        /// What it will be locked as.
        public let role: Role
        let landlock: Int?
        let lacking: [String]

        /// The second step: the filter of system calls, in front of every thread.
        /// - Throws: `notInForce` if the kernel does not confirm it.
        public func seal() throws(ConfinementError) -> Standing {
            #if os(Linux)
                let rules = role.permissions.calls.flatMap(\.rules)
                let filter = Filter(rules, process: Confinement.process)
                if rules.contains(where: { $0.answer == .answered }) {
                    try ConfinementError.check(cp_answer_opening(), .filter)
                }
                let result = cp_filter(filter.program, UInt16(filter.program.count))
                try ConfinementError.check(result, .filter)
                guard result == 0 else { throw .threadNotCovered }
                let standing = Standing(role, (landlock, lacking))
                guard standing.seccomp == 2, standing.noNewPrivileges, !standing.isDumpable else { throw .notInForce }
                return standing
            #else
                return Standing(role, (landlock, lacking))
            #endif
        }
    }
}
