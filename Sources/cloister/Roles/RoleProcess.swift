import CPlatform
import Confinement
import Cryptography
import Glibc
import Seams

/// This binary under a role: a process that another one started, and that is locked before it does anything.
struct RoleProcess {
    /// The argument that makes this binary run as a role; not for people.
    static let command = "role"
    /// The argument that says that an air gap is set.
    static let emptyNetwork = "empty-network"
    /// The roles that a process can be started under; a supervisor only to show what holds one.
    static let roles: [Role] = [.supervisor, .gateway, .endpoints, .cell, .engine, .courier, .relay]

    private let role: Role
    private let report: SelfReport

    /// Locks the process if the arguments name a role; nil for the commands that people type.
    ///
    /// Call before the first `await`, while there is one thread.
    static func locked(by arguments: [String]) -> RoleProcess? {
        guard arguments.count > 1, arguments[1] == command else { return nil }
        var status = stat()
        guard arguments.count > 2, let role = Role(rawValue: arguments[2]), roles.contains(role),
            fstat(Child.controlDescriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK
        else {
            Terminal.note("cloister: a role is started by `cloister serve`, not by hand")
            exit(EX_USAGE)
        }
        cp_name("cloister \(role.rawValue)")
        // What ends the supervisor ends us when it closes its seam, after what is being done.
        for stop in [SIGINT, SIGTERM, SIGHUP] { signal(stop, SIG_IGN) }
        do {
            // Its sockets are made before the lock: they must not help.
            let isApart = arguments.count > 4 && arguments[4] == emptyNetwork
            let targets = Targets(arguments.dropFirst(isApart ? 5 : 4))
            let network = isApart ? NetworkNamespace.empty() : nil
            let folder = arguments.count > 3 && arguments[3] != "-" ? arguments[3] : nil
            // Its memory for keys is made before the lock, which may deny the best kind.
            let keys = KeyMemory.shared.standing
            let standing = try Confinement.lock(role, paths: folder.map { [.archive: $0] } ?? [:])
            var attempts: [Attempt] = []
            if let targets { attempts = Confinement.selfTest(role, targets) }
            return RoleProcess(
                role: role,
                report: SelfReport(
                    process: Int(getpid()), standing: standing, attempts: attempts, network: network, keys: keys))
        } catch {
            Terminal.note("cloister \(role.rawValue): this kernel did not lock the process (\(error)); it does not run")
            exit(EX_OSERR)
        }
    }

    /// Runs until the supervisor closes the control seam.
    func run() async -> Never {
        let orders = Orders(Descriptor(Child.controlDescriptor), report)
        do {
            switch role {
            case .supervisor: try await orders.answer { _ in throw SeamError.malformed }
            case .gateway: try await GatewayRole.run(orders, Descriptor(Child.requestDescriptor))
            case .endpoints: try await EndpointsRole.run(orders)
            case .cell: try await CellRole.run(orders, Descriptor(Child.requestDescriptor))
            case .courier: try await CourierRole.run(orders)
            case .relay: try await RelayRole.run(orders, Descriptor(Child.requestDescriptor))
            default: try await EngineRole.run(orders)
            }
        } catch {
            Terminal.note("cloister \(role.rawValue): the process could not go on")
            exit(EX_SOFTWARE)
        }
        exit(0)
    }
}

extension Duration {
    /// *Our choice*: how long what a process knows without work is waited for; one that stands still keeps nobody longer.
    static let atOnce = Duration.seconds(2)
    /// *Our choice*: how long a process that is just being started is waited for.
    static let beginning = Duration.seconds(10)
}

extension SeamLimits {
    /// Between the supervisor and its children.
    static let control = SeamLimits(payload: 1 << 20, descriptors: 2, calls: 256)
    /// Between a cell and an engine: a request has at most the tokens of a context.
    static let tokens = SeamLimits(payload: 1 << 20, calls: 256)
}
