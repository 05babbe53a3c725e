import Confinement
import Foundation

/// The children that a locked supervisor starts: walls stack, and each must still be able to work.
struct Children {
    private let roles: [Role]
    private let ports: [String]
    private let scratch: Scratch

    init(of role: Role, _ aim: Aim, _ scratch: Scratch) {
        switch role {
        case .supervisor: roles = [.gateway, .endpoints, .cell, .engine]
        case .supervisorOfCourier: roles = [.gateway, .endpoints, .cell, .engine, .courier]
        default: roles = []
        }
        ports = ["\(aim.tcpPort)", "\(aim.udpPort)"]
        self.scratch = scratch
    }

    func run() -> [String: ProbeReport] {
        var reports: [String: ProbeReport] = [:]
        for role in roles { reports[role.rawValue] = run(role) }
        return reports
    }

    private func run(_ role: Role) -> ProbeReport? {
        // A child writes where its parent may, and there nowhere but in a folder of its own.
        let output = scratch.data + "/\(role).json"
        setenv("TMPDIR", scratch.data, 1)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
        var child: pid_t = 0
        let arguments = (["/proc/self/exe", role.rawValue] + ports).map { strdup($0) } + [nil]
        guard posix_spawn(&child, "/proc/self/exe", &actions, nil, arguments, environ) == 0 else { return nil }
        waitpid(child, nil, 0)
        guard let said = FileManager.default.contents(atPath: output) else { return nil }
        return try? JSONDecoder().decode(ProbeReport.self, from: said)
    }
}
