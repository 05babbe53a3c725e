import CPlatform
import Confinement
import Foundation

/// Locks itself as the role it is given, works as that role does, and tries what it must not be able to do.
/// Prints one line of JSON, then waits for the end of its input, so that its parent can look at it.
///
/// With ports it is itself a child of a locked process, and takes those as targets.
precondition(cp_quiet_crashes(CommandLine.unsafeArgv) == 0)
signal(SIGPIPE, SIG_IGN)
let arguments = CommandLine.arguments
guard arguments.count > 1, let role = Role(rawValue: arguments[1]) else { exit(64) }
let ports = arguments.dropFirst(2).compactMap { UInt16($0) }

let aim = Aim(ports)
let scratch = Scratch()
@MainActor func targets() -> Targets {
    Targets(tcpPort: aim.tcpPort, udpPort: aim.udpPort, temporary: Scratch.temporary, besideData: scratch.path)
}

let control = Confinement.selfTest(role, targets())
let later = targets()
let bench = Bench(scratch, tcpPort: aim.tcpPort, isChild: !ports.isEmpty)
let paths: [Purpose: String] = [.archive: scratch.data, .ownFolder: scratch.data]
let prepared = try Confinement.prepare(role, paths: paths)
let early = EarlyThread()
let costBefore = arguments.contains("measure") ? Cost.measure() : nil
let standing = try prepared.seal()

if arguments.contains("trap") { trap() }
if let costBefore {
    print("nanoseconds per call without and with the filter:", costBefore, Cost.measure())
    exit(0)
}

var report = ProbeReport(control: control, standing: standing)
report.earlyThread = early.attempt()
report.work = await bench.work(role)
report.attempts = Confinement.selfTest(role, later)
report.children = Children(of: role, aim, scratch).run()
print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
fflush(nil)
while readLine() != nil {}

/// The ports of the listeners, which are open as long as this is.
final class Aim {
    let tcpPort: UInt16, udpPort: UInt16
    private let listeners: Listeners?

    init(_ ports: [UInt16]) {
        if ports.isEmpty, let listeners = Listeners() {
            (tcpPort, udpPort) = (listeners.tcpPort, listeners.udpPort)
            self.listeners = consume listeners
        } else {
            (tcpPort, udpPort) = (ports[0], ports[1])
            listeners = nil
        }
    }
}

/// Ends by a trap with a canary in memory and in registers, as a bug would.
func trap() -> Never {
    let canary = Array(repeating: "CANARY-OF-THE-PROBE", count: 8).joined()
    var copies = canary.utf8.map { UInt64($0) }
    copies[0] += UInt64(CommandLine.arguments.count)
    precondition(copies.isEmpty, "a trap on purpose")
    exit(0)
}
