import Testing

@testable import Confinement

/// The text only: no machine of this kind has seen it.
struct SandboxProfileTests {
    private static let locked = Role.allCases.filter { SandboxProfile($0).text != nil }

    @Test func `whoever starts others has none, and everybody else has one`() {
        #expect(Set(Role.allCases).subtracting(Self.locked) == [.supervisor, .supervisorOfCourier])
    }

    @Test(arguments: locked)
    func `it refuses what it does not name, and balances`(_ role: Role) throws {
        let text = try #require(SandboxProfile(role).text)
        #expect(text.hasPrefix("(version 1)\n(deny default)\n") && !text.contains("(allow default)"))
        for line in text.split(separator: "\n") {
            #expect(line.count { $0 == "(" } == line.count { $0 == ")" } && line.count { $0 == "\"" } % 2 == 0)
        }
    }

    @Test(arguments: locked)
    func `it grants what the table grants, and nothing else`(_ role: Role) throws {
        let row = role.permissions
        let text = try #require(SandboxProfile(role).text)
        let rules = text.split(separator: "\n")
        func rule(_ operation: String) -> Substring? { rules.first { $0.hasPrefix("(allow \(operation) ") } }
        for purpose in row.writes {
            #expect(rule("file-write*")?.contains("(param \"\(purpose.rawValue)\")") == true)
            #expect(rule("file-read*")?.contains("(param \"\(purpose.rawValue)\")") == true)
        }
        let places: [(Purpose, String)] = [
            (.randomness, "/dev/urandom"), (.timeZone, "/usr/share/zoneinfo"), (.trustRoots, "/private/etc/ssl"),
            (.nameResolution, "/private/etc/hosts"),
        ]
        for (purpose, path) in places {
            #expect((rule("file-read*")?.contains("\"\(path)\"") ?? false) == row.reads?.contains(purpose))
        }
        #expect((rule("file-write*") == nil) == row.writes.isEmpty)
        #expect((rule("file-read*") == nil) == ((row.reads ?? []) + row.writes).isEmpty)
        #expect((rule("network-outbound") != nil) == row.connects)
        for foreign in ["network-bind", "network-inbound", "process-exec", "process-fork", "mach-", "file*"] {
            #expect(!text.contains(foreign))
        }
    }
}
