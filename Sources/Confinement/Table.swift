/// One row of the table: what a role may do.
///
/// `docs/confinement.md` is printed from here.
public struct Permissions: Sendable {
    /// The groups of system calls that it may make.
    public let calls: [CallGroup]
    /// What it may read; nil: anything, because children inherit the wall, and models and libraries lie anywhere.
    public let reads: [Purpose]?
    /// What it may write, and read.
    public let writes: [Purpose]
    /// What it may start, with what it can map.
    public let executes: [Purpose]
    /// Whether Landlock leaves TCP connections alone; the filter decides in any case.
    public let connects: Bool
    /// Open descriptors at most.
    public let descriptors: UInt64
    /// Private writable memory at most, bytes; mapped model files do not count.
    public let memory: UInt64
    /// The attempts of the self-test that succeed by design.
    public let granted: Set<Attempt.Name>

    /// Whether Landlock leaves listening alone.
    var listens: Bool { calls.contains { $0.name == CallGroup.listening.name } }

    fileprivate init(
        _ calls: [CallGroup], reads: [Purpose]?, writes: [Purpose] = [], executes: [Purpose] = [],
        connects: Bool = false, descriptors: UInt64, memory: UInt64, granted: Set<Attempt.Name> = []
    ) {
        (self.calls, self.reads, self.writes, self.executes) = (calls, reads, writes, executes)
        (self.connects, self.descriptors, self.memory, self.granted) = (connects, descriptors, memory, granted)
    }
}

extension Role {
    /// What it may do.
    public var permissions: Permissions {
        switch self {
        case .engine: Permissions(Self.bare + [.noFiles], reads: [], descriptors: 4_096, memory: .max)
        case .cell: Permissions(Self.bare + [.noFiles], reads: [], descriptors: 256, memory: 4 << 30)
        case .relay:
            Permissions(Self.bare + [.noFiles, .handingOn], reads: [], descriptors: 4_096, memory: 4 << 30)
        case .endpoints:
            Permissions(
                Self.bare + [.reading, .connections], reads: [.threadStates, .randomness, .timeZone],
                descriptors: 1_024,
                memory: 4 << 30)
        case .gateway:
            Permissions(
                Self.bare + [.reading, .writing, .connections], reads: [.threadStates, .randomness, .timeZone],
                writes: [.archive],
                descriptors: 4_096, memory: 4 << 30)
        case .courier:
            Permissions(
                Self.bare + [.reading, .filling, .connections, .dialling],
                reads: [.threadStates, .randomness, .timeZone, .trustRoots, .nameResolution], connects: true,
                descriptors: 256, memory: 4 << 30, granted: Self.outgoing)
        case .supervisor:
            Permissions(
                Self.bare + [.reading, .writing, .connections, .listening, .children], reads: nil,
                writes: [.ownFolder, .idMaps], executes: [.ownProgram], descriptors: 8_192, memory: .max,
                granted: Self.parenthood)
        case .supervisorOfCourier:
            Permissions(
                Self.bare + [.reading, .writing, .connections, .dialling, .listening, .children], reads: nil,
                writes: [.ownFolder, .idMaps], executes: [.ownProgram], connects: true, descriptors: 8_192,
                memory: .max, granted: Self.parenthood.union(Self.outgoing))
        }
    }

    private static let bare: [CallGroup] = [.memory, .threads, .itself, .descriptors]
    private static let outgoing: Set<Attempt.Name> = [.connect, .connectMadeBefore, .udpConnect, .udpConnectMadeBefore]
    private static let parenthood: Set<Attempt.Name> = [
        .bindAndListen, .bindMadeBefore, .socketPair, .fork, .execute, .executableMemory, .readSystemFile,
        .readPasswordHashes, .signalParent,
    ]
}
