/// Why a process is not locked; whoever gets one must end, not go on.
public enum ConfinementError: Error, Equatable, Sendable {
    /// The first step needs a process of one thread, and there are more.
    case threads(Int)
    /// A path that the caller gave cannot be reached.
    case path(Purpose, errno: Int32)
    /// The kernel refused a step.
    case refused(Step, errno: Int32)
    /// A thread could not be put behind the filter, so none was.
    case threadNotCovered
    /// The kernel says otherwise than was asked.
    case notInForce

    /// What was being done.
    public enum Step: String, Sendable {
        case noDumps = "turning off dumps"
        case limits = "lowering limits"
        case noNewPrivileges = "giving up new privileges"
        case files = "raising the wall of files"
        case filter = "filtering system calls"
    }

    static func check(_ result: Int32, _ step: Step) throws(ConfinementError) {
        if result < 0 { throw .refused(step, errno: -result) }
    }
}
