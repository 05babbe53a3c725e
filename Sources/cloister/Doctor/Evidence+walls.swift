import Cell
import Confinement

extension Evidence {
    /// One finding a role: what its process tried after its lock.
    var walls: [Finding] {
        RoleProcess.roles.filter { $0 != .relay }.map { role in
            role == .courier && airGap != .off
                ? .ok("courier", "there is none, and none can be started: the air gap is set") : wall(role.rawValue)
        }
    }

    private func wall(_ role: String) -> Finding {
        guard let process = confined.first(where: { $0.role == role }) else {
            return .problem(
                role, "not enforced: no process of this role could be started and locked",
                remedy: "run cloister doctor where the kernel offers seccomp, and look at its message")
        }
        let (all, refused) = (process.attempts, process.attempts.filter { $0.refusal != nil })
        let breaches = all.filter { $0.refusal == nil && !$0.granted }.map(\.name)
        let allowed = all.filter { $0.refusal == nil && $0.granted }.map(\.name)
        let held =
            "\(refused.count) of \(all.count - allowed.count) attempts refused; filter of system calls, "
            + (process.landlock.map { "Landlock \($0)" } ?? "no Landlock")
            + (allowed.isEmpty ? "" : "; its role allows: \(allowed.joined(separator: ", "))")
        guard process.filtered else {
            return .problem(
                role, "not enforced: this kernel filters no system calls of it",
                remedy: "use it with secrets on a Linux that has seccomp")
        }
        if !breaches.isEmpty {
            return .problem(
                role, "not held: \(breaches.joined(separator: ", ")) succeeded",
                remedy: "do not use it with secrets on this kernel, and report it as SECURITY.md says")
        }
        if all.isEmpty || !process.lacking.isEmpty {
            return .warning(
                role, held + process.lacking.map { "; lacking: \($0)" }.joined(),
                remedy: "a newer kernel holds more; docs/confinement.md says what")
        }
        return .ok(role, held)
    }
}
