import Cell
import Confinement

extension Evidence {
    /// Whether anything may be fetched; if not, whether the processes got empty networks too.
    var airGapped: Finding {
        guard airGap != .off else {
            return .ok(
                "airgap",
                registries == 0
                    ? "off, and no registry is configured, so nobody is dialled"
                    : "off: models may be fetched from \(registries) configured \(registries == 1 ? "registry" : "registries")"
            )
        }
        let set = "on, by \(airGap.rawValue): no courier is started and no name is looked up"
        let refusals = Set(confined.compactMap { $0.network?.refusal }).sorted()
        if let refusal = refusals.first {
            return .warning(
                "airgap",
                set
                    + "; not enforced: an empty network for each process (\(refusal)); the filter of system calls holds",
                remedy: "allow user namespaces for this user (user.max_user_namespaces, and what the distribution adds)"
            )
        }
        let apart = confined.filter { $0.role != Role.supervisor.rawValue }
        let networks = apart.map { $0.network?.name ?? "" }
        guard !namespace.isEmpty, !networks.isEmpty, networks.allSatisfy({ !$0.isEmpty && $0 != namespace }) else {
            return .warning(
                "airgap", set + "; not seen: an empty network for each process",
                remedy: "run cloister doctor where /proc is mounted and processes can be started")
        }
        let places = apart.map { "\($0.role) in \($0.network.map(said) ?? "none")" }
        return .ok("airgap", set + "; \(places.joined(separator: ", ")); this process in \(namespace)")
    }

    private func said(_ network: ConfinedProcess.Network) -> String {
        "\(network.name) with \(network.interfaces.joined(separator: ", "))"
    }
}
