import Catalogue
import Confinement
import Cryptography
import Foundation
import Inference

extension Kernel {
    /// SHA-256 of this very program.
    static var build: String? {
        guard let file = FileHandle(forReadingAtPath: "/proc/self/exe") else { return nil }
        return try? Hex.encode(
            sha256(pulling: {
                let piece = try file.read(upToCount: 1 << 20) ?? Data()
                return piece.isEmpty ? nil : Array(piece)
            }))
    }

    /// Resident memory of a process, bytes, mapped files included; 0 if it is gone.
    static func resident(of process: Int) -> Int {
        let line = text("/proc/\(process)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }

    /// A server's first process and what it started, by what `/proc` shows to others.
    static func family(of first: Int) -> [Evidence.Running] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(first)/task")) ?? []
        let children = tasks.flatMap { text("/proc/\(first)/task/\($0)/children").split(separator: " ") }
        let tables = SocketTables.inodes()
        return ([first] + children.compactMap { Int($0) }.sorted()).compactMap { process in
            let words = text("/proc/\(process)/cmdline").split(separator: "\0")
            let isRole = words.count > 2 && words[1] == RoleProcess.command
            guard process == first || isRole, let status = KernelStatus(of: Int32(clamping: process)) else {
                return nil
            }
            let threads = zip(status.seccomp, status.noNewPrivileges)
            return Evidence.Running(
                role: isRole ? String(words[2]) : "supervisor", process: process, threads: status.threads,
                filtered: threads.count { $0 == 2 && $1 }, connections: connections(of: process, among: tables))
        }
    }

    private static func connections(of process: Int, among tables: Set<String>) -> Int? {
        let folder = "/proc/\(process)/fd"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return nil }
        return names.count { name in
            let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")) ?? ""
            return target.hasPrefix("socket:[") && tables.contains(String(target.dropFirst(8).dropLast()))
        }
    }
}
