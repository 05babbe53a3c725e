/// One system call that is let through, if its arguments meet every condition; what no rule lets through is EPERM.
///
/// Two rules for one call are alternatives. A filter sees numbers, never what a pointer points to.
public struct Rule: Sendable, ExpressibleByStringLiteral {
    /// The call's name, as in `syscalls(2)`.
    public let call: String
    /// What its arguments must meet.
    public let conditions: [Condition]
    /// What happens then.
    public let answer: Answer

    /// What becomes of a call that meets the conditions.
    public enum Answer: Sendable, Equatable {
        /// It is made.
        case allowed
        /// ENOSYS, so that the C library takes an older call that can be checked.
        case hidden
        /// It is not made; a handler in the process says what it returned (`opening.c`).
        case answered
    }

    /// What an argument (0 to 5) must be.
    ///
    /// Only `isNull` looks at all 64 bits: the kernel reads the others as 32.
    public enum Condition: Sendable, Equatable {
        /// A null pointer.
        case isNull(Int)
        /// None of these bits is set.
        case lacks(Int, UInt32)
        /// This one bit is set.
        case has(Int, UInt32)
        /// Under the mask, one of these values.
        case among(Int, [UInt32], mask: UInt32 = .max)
        /// This process's id.
        case isThisProcess(Int)
    }

    init(_ call: String, _ conditions: Condition..., answer: Answer = .allowed) {
        self.call = call
        self.conditions = conditions
        self.answer = answer
    }

    /// A call that is let through whatever its arguments are.
    public init(stringLiteral call: String) { self.init(call) }
}

/// Numbers of the kernel's interface, the same on x86-64 and arm64 where the table uses them.
enum Kernel {
    static let notPermitted: UInt32 = 1
    static let noSuchCall: UInt32 = 38
    static let executable: UInt32 = 4
    static let thread: UInt32 = 0x1_0000
    /// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
    static let namespaces: UInt32 = 0x7E02_0000
    /// CLONE_NEWUSER | CLONE_NEWNET.
    static let emptyNetwork: UInt32 = 0x5000_0000
    static let emptyPath: UInt32 = 0x1000
    static let fastOpen: UInt32 = 0x2000_0000
    /// O_WRONLY, O_RDWR, O_CREAT, O_TRUNC and the bit of O_TMPFILE.
    static let writing: UInt32 = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20000000
    static let unixFamily: UInt32 = 1
    static let internetFamilies: [UInt32] = [2, 10]
    static let stream: UInt32 = 1
    static let datagram: UInt32 = 2
    static let kindOfSocket: UInt32 = 0xF
}
