import Cell
import Confinement
import Cryptography
import Foundation
import Seams

/// What a locked process says of itself: what holds it, and what it tried.
struct SelfReport: Codable, Sendable {
    /// The order that every role answers with its report.
    static let order: UInt8 = 255

    let process: Int
    let standing: Standing
    /// Empty if it had nothing to aim at.
    let attempts: [Attempt]
    /// The empty network that it was to have; nil: none was wanted.
    var network: NetworkNamespace?
    /// Where its keys lie.
    var keys: KeyMemory.Standing?

    /// As clients of the page see it.
    var described: ConfinedProcess {
        ConfinedProcess(
            role: standing.role.rawValue, process: process, filtered: standing.seccomp == 2,
            landlock: standing.landlock, lacking: standing.lacking,
            attempts: attempts.map {
                .init(name: $0.name.rawValue, refusal: $0.refusal, granted: $0.isGranted)
            },
            network: network.map { .init(name: $0.name, interfaces: $0.interfaces, refusal: $0.refusal) },
            keys: keys?.rawValue)
    }
}

/// Where self-tests aim, and from which network: listeners on loopback that would answer a process that is not locked.
final class SelfTestRange: Sendable {
    private let listeners: Listeners?
    private let folder: String
    private let isAirGapped: Bool

    /// - Parameters:
    ///   - data: the data directory; the attempts to write aim beside it.
    ///   - isAirGapped: whether the processes get an empty network.
    init(data: String, isAirGapped: Bool) {
        self.isAirGapped = isAirGapped
        listeners = Listeners()
        folder = URL(filePath: data).deletingLastPathComponent().path
    }

    /// What a process is told on its command line; a supervisor stays in the machine's network, where it listens.
    func words(for role: Role) -> [String] {
        (isAirGapped && role != .supervisor ? [RoleProcess.emptyNetwork] : []) + arguments
    }

    /// Where it shall aim; nothing if this process may not listen.
    var arguments: [String] {
        listeners.map { [String($0.tcpPort), String($0.udpPort), folder] } ?? []
    }

    /// Names its own listener among those of this process.
    func marking(_ evidence: ProcessEvidence) -> ProcessEvidence {
        guard let port = listeners?.tcpPort else { return evidence }
        var marked = evidence
        marked.listening = evidence.listening.map {
            $0.hasSuffix(":\(port)") ? $0 + " (target of the self-tests, serves nothing)" : $0
        }
        return marked
    }

    /// Starts a process of a role, lets it lock itself and try, and ends it.
    /// - Throws: `UserError` if it does not start or does not answer.
    func breakOut(_ role: Role) async throws -> SelfReport {
        try await Child(role, range: self, answer: Child.nothing).report()
    }

    /// Of every role that a server always starts.
    func breakOuts() async throws -> [SelfReport] {
        var reports: [SelfReport] = []
        for role in RoleProcess.roles where ![.courier, .relay].contains(role) {
            reports.append(try await breakOut(role))
        }
        return reports
    }
}

extension Targets {
    /// Reads what `SelfTestRange.arguments` wrote; nil if it is something else.
    init?(_ arguments: ArraySlice<String>) {
        let words = Array(arguments)
        guard words.count == 3, let tcp = UInt16(words[0]), let udp = UInt16(words[1]) else { return nil }
        self.init(
            tcpPort: tcp, udpPort: udp, temporary: FileManager.default.temporaryDirectory.path, besideData: words[2])
    }
}
