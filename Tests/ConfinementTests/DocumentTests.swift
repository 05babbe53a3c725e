import Foundation
import TestSupport
import Testing

@testable import Confinement

/// `docs/confinement.md` says what the table says.
///
/// `RECORD_DOCUMENTS=1` writes it anew.
struct DocumentTests {
    private let page = Shared.repository.appending(path: "docs/confinement.md")
    private let start = "<!-- table -->\n", end = "<!-- end of table -->"

    @Test func `the page is the table`() throws {
        let text = try String(contentsOf: page, encoding: .utf8)
        let parts = text.components(separatedBy: start)
        let rest = try #require(parts.last?.components(separatedBy: end))
        try #require(parts.count == 2 && rest.count == 2)
        if ProcessInfo.processInfo.environment["RECORD_DOCUMENTS"] != nil {
            try Data((parts[0] + start + rendered + end + rest[1]).utf8).write(to: page)
        } else {
            #expect(rest[0] == rendered, "run the tests with RECORD_DOCUMENTS=1, and read what changed")
        }
    }

    private var rendered: String {
        [
            "", "## Roles", "", roles, "", "## Groups of system calls", "", groups, "", "## Paths", "", paths, "",
            "## Profiles for macOS, untested", "", profiles, "",
        ]
        .joined(separator: "\n")
    }

    private var profiles: String {
        Role.allCases.map { role in
            SandboxProfile(role).text.map { "`\(role)`\n\n```scheme\n\($0)\n```\n" } ?? "`\(role)`: none\n"
        }
        .joined(separator: "\n")
    }

    private var roles: String {
        let head = [
            "role", "system calls", "reads", "writes", "starts", "sockets", "descriptors", "memory",
            "attempts that succeed",
        ]
        return table(
            head,
            Role.allCases.map { role in
                let row = role.permissions
                let reads = row.reads.map { names($0.map(\.rawValue)) } ?? "anything"
                return [
                    "`\(role)`", names(row.calls.map(\.name)), reads,
                    names(row.writes.map(\.rawValue)), names(row.executes.map(\.rawValue)), sockets(row),
                    "\(row.descriptors)", row.memory == .max ? "the machine's" : "\(row.memory >> 30) GiB",
                    names(row.granted.map(\.rawValue).sorted()),
                ]
            })
    }

    private func sockets(_ row: Permissions) -> String {
        let groups = Set(row.calls.map(\.name))
        let kinds = [
            groups.contains("dialling") ? "dials TCP; UDP for names" : nil,
            groups.contains("listening") ? "listens, accepts, makes pairs" : nil,
        ]
        return names(kinds.compactMap(\.self) + ["uses what it was given"])
    }

    private var groups: String {
        table(
            ["group", "what it is for", "calls"],
            CallGroup.all.map { group in
                let calls = group.rules.map { "`\($0.call)`" + said($0) }
                return [group.name, group.purpose, calls.joined(separator: " ")]
            })
    }

    private func said(_ rule: Rule) -> String {
        switch rule.answer {
        case .hidden: " (answered ENOSYS)"
        case .answered: " (refused; answered in the process)"
        case .allowed: rule.conditions.isEmpty ? "" : " (\(rule.conditions.map(said).joined(separator: "; ")))"
        }
    }

    private func said(_ condition: Rule.Condition) -> String {
        switch condition {
        case .isNull(let index): "argument \(index) null"
        case .lacks(let index, let bits): "argument \(index) without 0x\(hex(bits))"
        case .has(let index, let bit): "argument \(index) with 0x\(hex(bit))"
        case .isThisProcess(let index): "argument \(index) this process"
        case .among(let index, let values, let mask):
            "argument \(index)\(mask == .max ? "" : " & 0x\(hex(mask))") one of \(values.map(String.init).joined(separator: ", "))"
        }
    }

    private func hex(_ value: UInt32) -> String { String(value, radix: 16) }

    private var paths: String {
        table(
            ["purpose", "where"],
            Purpose.allCases.map { purpose in
                let standard = purpose.standardPaths.map { "`\($0)`" }
                return [purpose.rawValue, standard.isEmpty ? "given at the lock" : names(standard)]
            })
    }

    private func names(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }

    private func table(_ head: [String], _ rows: [[String]]) -> String {
        ([head, head.map { _ in "---" }] + rows).map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
    }
}
