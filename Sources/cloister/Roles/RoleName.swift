import Glibc
import Seams

/// What a process of Cloister is for.
enum RoleName: String {
    /// One loaded model: token ids in, token ids out.
    case engine
    /// One person's keys and plaintext.
    case cell

    /// The argument that makes this binary run as a role; not for people.
    static let command = "role"

    /// The role that the arguments name; nil for the commands that people type.
    static func named(by arguments: [String]) -> String? {
        arguments.count == 3 && arguments[1] == command ? arguments[2] : nil
    }

    /// Runs as a role until the supervisor closes the control seam.
    static func run(_ name: String) async -> Never {
        var status = stat()
        guard let role = RoleName(rawValue: name), fstat(Child.controlDescriptor, &status) == 0,
            status.st_mode & S_IFMT == S_IFSOCK
        else {
            Terminal.note("cloister: a role is started by `cloister serve`, not by hand")
            exit(EX_USAGE)
        }
        let control = Descriptor(Child.controlDescriptor)
        do {
            switch role {
            case .engine: try await EngineRole.run(control)
            case .cell: try await CellRole.run(control, Descriptor(Child.requestDescriptor))
            }
        } catch {
            Terminal.note("cloister \(name): the process could not go on")
            exit(EX_SOFTWARE)
        }
        exit(0)
    }
}

extension SeamLimits {
    /// Between the supervisor and its children.
    static let control = SeamLimits(payload: 1 << 20, descriptors: 2, calls: 256)
    /// Between a cell and an engine: a request has at most the tokens of a context.
    static let tokens = SeamLimits(payload: 1 << 20, calls: 256)
}
