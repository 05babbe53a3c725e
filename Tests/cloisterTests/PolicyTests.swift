import Foundation
import Glibc
import Testing

@testable import cloister

/// The machine's policy: nobody but root writes it, nothing takes it away.
struct PolicyTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "policy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    }

    private func write(_ name: String, _ text: String, mode: Int = 0o644) throws -> String {
        let path = folder.appending(path: name).path
        try Data(text.utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private func isAirGapped(system: String, further: String? = nil) throws -> Bool {
        let environment = further.map { [Policy.furtherVariable: $0] } ?? [:]
        return try Policy.read(environment: environment, systemPath: system).isAirGapped
    }

    @Test func `without a policy nothing is forbidden`() throws {
        #expect(try !isAirGapped(system: folder.path + "/none.json"))
        #expect(try !isAirGapped(system: folder.path + "/none/none.json"))
    }

    @Test func `a further policy is read beside the system's`() throws {
        let (closed, open) = (try write("closed", #"{"air-gap": true}"#), try write("open", "{}"))
        #expect(try isAirGapped(system: folder.path + "/none", further: closed))
        #expect(try !isAirGapped(system: folder.path + "/none", further: open))
        #expect(throws: UserError.self) { try isAirGapped(system: open + "x", further: folder.path + "/none") }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can write a policy that is trusted"))
    func `nothing takes the system's policy away`() throws {
        let (closed, open) = (try write("closed", #"{"air-gap": true}"#), try write("open", #"{"air-gap": false}"#))
        #expect(try isAirGapped(system: closed))
        #expect(try isAirGapped(system: closed, further: open) && isAirGapped(system: open, further: closed))
        #expect(try !isAirGapped(system: open, further: open))
    }

    @Test func `a system policy of somebody else is refused`() throws {
        let path = try write("policy", "{}")
        if geteuid() == 0 { try #require(chown(path, 65_534, 65_534) == 0) }
        #expect(throws: UserError.self) { try isAirGapped(system: path) }
    }
}
