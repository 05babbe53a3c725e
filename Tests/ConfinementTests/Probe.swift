import Foundation

@testable import Confinement

/// What a probe says of itself: `Tests/ConfinedProbe/ProbeReport.swift`.
struct ProbeReport: Codable {
    let control: [Attempt]
    let standing: Standing
    let earlyThread: String?
    let work: [String: String]
    let attempts: [Attempt]
    let children: [String: ProbeReport]
}

/// The program that locks itself, as a child of this one.
struct Probe {
    let status: Int32
    let wasSignalled: Bool
    let report: ProbeReport?
    let errors: String
    /// What the kernel said of it while it was locked.
    let kernel: KernelStatus?

    static let path = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
        path: "ConfinedProbe"
    ).path
    private static let asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    /// Whether this is root, and another user can reach the program.
    static var canRunAsNobody: Bool {
        geteuid() == 0 && (try? run(asNobody + ["test", "-x", path], in: "/tmp"))?.status == 0
    }

    static func run(_ role: Role, _ arguments: String..., asNobody: Bool = false) throws -> Probe {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "cloister-confined-\(UUID())").path
        // Anybody may write there, as in the machine's temporary directory.
        try FileManager.default.createDirectory(
            atPath: scratch, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o1777])
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        return try run((asNobody ? Self.asNobody : []) + [path, role.rawValue] + arguments, in: scratch)
    }

    private static func run(_ command: [String], in scratch: String) throws -> Probe {
        let (process, input, output) = (Process(), Pipe(), Pipe())
        let errors = URL(filePath: scratch).appending(path: "errors-\(UUID())")
        try Data().write(to: errors)
        defer { try? FileManager.default.removeItem(at: errors) }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": scratch]) { $1 }
        process.currentDirectoryURL = URL(filePath: "/")
        (process.standardInput, process.standardOutput) = (input, output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        var said = Data()
        while !said.contains(UInt8(ascii: "\n")), case let more = output.fileHandleForReading.availableData,
            !more.isEmpty
        {
            said += more
        }
        let kernel = KernelStatus(of: process.processIdentifier)
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        return Probe(
            status: process.terminationStatus, wasSignalled: process.terminationReason == .uncaughtSignal,
            report: try? JSONDecoder().decode(ProbeReport.self, from: said),
            errors: (try? String(contentsOf: errors, encoding: .utf8)) ?? "", kernel: kernel)
    }
}
