import Foundation

/// What the kernel says of a process in `/proc`: evidence that the process itself cannot colour.
///
/// A locked process may not read it; its supervisor can, and sees every thread.
public struct KernelStatus: Codable, Equatable, Sendable {
    /// `Seccomp` of every thread: 2 is a filter.
    public let seccomp: [Int]
    /// `NoNewPrivs` of every thread.
    public let noNewPrivileges: [Bool]
    /// `CoreDumping`: whether its memory is being written to a core dump now.
    public let isDumping: Bool

    /// How many threads it has.
    public var threads: Int { seccomp.count }
    /// Whether every thread is behind a filter and can gain nothing.
    public var isConfined: Bool { seccomp.allSatisfy { $0 == 2 } && noNewPrivileges.allSatisfy(\.self) }

    /// Reads it; nil if there is no such process or no `/proc`.
    public init?(of process: Int32) {
        let tasks = "/proc/\(process)/task"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: tasks) else { return nil }
        // A thread that ended meanwhile has no status any more.
        let statuses = names.compactMap { try? String(contentsOfFile: "\(tasks)/\($0)/status", encoding: .utf8) }
        guard let first = statuses.first else { return nil }
        seccomp = statuses.map { Self.field("Seccomp", in: $0) ?? 0 }
        noNewPrivileges = statuses.map { Self.field("NoNewPrivs", in: $0) == 1 }
        isDumping = Self.field("CoreDumping", in: first) == 1
    }

    private static func field(_ name: String, in status: String) -> Int? {
        let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        return line?.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) }
    }
}
