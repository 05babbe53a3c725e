import CPlatform
import Foundation
import Testing

@testable import Confinement

#if os(Linux)
    /// A real process locks itself as each role, works, and tries.
    ///
    /// One after the other: each uses all cores.
    @Suite(.serialized) struct ConfinementTests {
        /// What succeeds without the lock for any user of a machine; the rest depends on rights and on the kernel.
        private static let successful = Set(Attempt.Name.allCases).subtracting(dependent)
        private static let dependent: Set<Attempt.Name> = [
            .rawSocket, .packetSocket, .vsock, .ring, .readPasswordHashes, .trace, .readMemory, .takeDescriptor,
            .executeFromMemory, .namespace, .signalParent,
        ]

        @Test(arguments: Role.allCases)
        func `a role does its work and nothing else`(_ role: Role) throws {
            try check(Probe.run(role), role)
        }

        @Test(.enabled(if: Probe.canRunAsNobody), arguments: [Role.gateway, .supervisor])
        func `a user without rights can lock itself as well`(_ role: Role) throws {
            try check(Probe.run(role, asNobody: true), role)
        }

        private func check(_ probe: Probe, _ role: Role) throws {
            let report = try #require(probe.report, "\(probe.errors)")
            let kernel = try #require(probe.kernel)
            #expect(kernel.isConfined && !kernel.isDumping && kernel.threads > 1)
            for attempt in report.control where Self.successful.contains(attempt.name) {
                #expect(attempt.refusal == nil, "unlocked: \(attempt.name.rawValue)")
            }
            for attempt in report.control where attempt.refusal != nil {
                print(
                    "not shown for \(role): \(attempt.name.rawValue) is \(attempt.refusal ?? "") without the lock, too")
            }
            check(report, role)
            for (name, child) in report.children { check(child, try #require(Role(rawValue: name))) }
            let children = [Role.supervisor: 4, .supervisorOfCourier: 5][role] ?? 0
            #expect(report.children.count == children)
        }

        private func check(_ report: ProbeReport, _ role: Role) {
            let standing = report.standing
            #expect(standing.role == role && standing.seccomp == 2 && standing.noNewPrivileges && !standing.isDumpable)
            #expect(standing.limits.core == 0 && standing.limits.descriptors <= role.permissions.descriptors)
            #expect(standing.landlock.map { $0 > 0 } ?? !standing.lacking.isEmpty)
            #expect(report.earlyThread == "EPERM", "a thread from before the filter")
            for (work, outcome) in report.work { #expect(outcome == "ok", "\(role): \(work)") }
            #expect(report.attempts.map(\.name) == Attempt.Name.allCases)
            for attempt in report.attempts {
                // Without Landlock, the wall of files is missing and the standing has said so.
                let isFile = attempt.name.rawValue.contains("/etc/") || attempt.name.rawValue.hasPrefix("writing")
                if isFile, standing.landlock == nil { continue }
                #expect(!attempt.isBreach, "\(role): \(attempt.name.rawValue)")
            }
        }

        @Test func `a trap after the lock prints no memory`() throws {
            let probe = try Probe.run(.cell, "trap")
            #expect(probe.wasSignalled && probe.errors.contains("a trap on purpose"))
            #expect(!probe.errors.contains("CANARY") && !probe.errors.contains("egisters"))
        }

        @Test func `the first step refuses a process of several threads and changes nothing`() throws {
            let before = cp_limit_in_force(CP_FILES)
            let error = #expect(throws: ConfinementError.self) { _ = try Confinement.prepare(.cell) }
            guard case .threads(let count)? = error else { Issue.record("another error"); return }
            #expect(count > 1 && cp_limit_in_force(CP_FILES) == before)
            #expect(KernelStatus(of: Confinement.process)?.noNewPrivileges.contains(true) == false)
        }
    }
#endif
