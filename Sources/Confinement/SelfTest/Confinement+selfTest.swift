import CPlatform

extension Confinement {
    /// Tries what the role must not be able to do, and reports what the kernel said to each.
    ///
    /// Nothing is harmed where an attempt succeeds: what was opened is closed, what was written is removed, and
    /// nothing leaves this machine.
    public static func selfTest(_ role: Role, _ targets: borrowing Targets) -> [Attempt] {
        var attempts: [Attempt] = []
        for name in Attempt.Name.allCases {
            let result = Trial.result(of: name, targets)
            let refusal = result < 0 ? String(cString: cp_error_name(Int32(-result))) : nil
            attempts.append(
                Attempt(name: name, refusal: refusal, isGranted: role.permissions.granted.contains(name)))
        }
        return attempts
    }
}

extension Trial {
    /// A result of 0 or more: it succeeded; else the negative errno.
    static func result(of name: Attempt.Name, _ targets: borrowing Targets) -> Int {
        let made = Int(targets.made[name] ?? -1)
        let (tcp, udp) = (targets.tcpPort, targets.udpPort)
        return switch name {
        case .connect: withSocket(Loopback.stream) { connect($0, tcp) }
        case .connectMadeBefore: connect(made, tcp)
        case .fastOpen: withSocket(Loopback.stream) { send($0, tcp, flags: Int(Kernel.fastOpen)) }
        case .fastOpenMadeBefore: send(made, tcp, flags: Int(Kernel.fastOpen))
        case .fastOpenOption: fastOpenByOption(made, tcp)
        case .udpSend: withSocket(Loopback.datagram) { send($0, udp, flags: 0) }
        case .udpSendMadeBefore: send(made, udp, flags: 0)
        case .udpConnect: withSocket(Loopback.datagram) { connectAndWrite($0, udp) }
        case .udpConnectMadeBefore: connectAndWrite(made, udp)
        case .bindAndListen: withSocket(Loopback.stream) { listen($0) }
        case .bindMadeBefore: listen(made)
        case .rawSocket: closing(cp_call("socket", Loopback.internet, 3, 1, 0, 0, 0))
        case .packetSocket: closing(cp_call("socket", 17, 3, 0, 0, 0, 0))
        case .vsock: closing(cp_call("socket", 40, Loopback.stream, 0, 0, 0, 0))
        case .socketPair: socketPair()
        case .ring: ring()
        case .fork: Int(cp_try_fork())
        case .spawn: spawn()
        case .execute: execute()
        case .executeFromMemory: executeFromMemory()
        case .executableMemory: executableMemory()
        case .writeTemporary: write(in: targets.temporary)
        case .writeBesideData: write(in: targets.besideData)
        case .readSystemFile: read("/etc/passwd")
        case .readPasswordHashes: read("/etc/shadow")
        case .trace: trace()
        case .readMemory: readMemory()
        case .takeDescriptor: takeDescriptor()
        case .signalParent: cp_call("kill", parent, 0, 0, 0, 0, 0)
        case .namespace: cp_call("unshare", 0, 0, 0, 0, 0, 0)
        }
    }
}
