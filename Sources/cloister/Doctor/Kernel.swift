import CPlatform
import Foundation
import Glibc

/// What the kernel tells of this machine and this process.
enum Kernel {
    /// Free bytes at a path, or where it would be made.
    static func freeBytes(at path: String) -> Int? {
        var (path, space) = (path, statvfs())
        while statvfs(path, &space) != 0 {
            guard path != "/", !path.isEmpty else { return nil }
            path = (path as NSString).deletingLastPathComponent
        }
        let (bytes, overflow) = space.f_bavail.multipliedReportingOverflow(by: space.f_frsize)
        return overflow ? Int.max : Int(clamping: bytes)
    }

    /// The process that locked a file, from `/proc/locks`.
    static func holder(of path: String) -> Int? {
        guard let status = FileStatus(path) else { return nil }
        return holder(of: status.inode, device: status.device, in: text("/proc/locks"))
    }

    /// `1: FLOCK  ADVISORY  WRITE 4242 fe:00:131 0 EOF`: the device in hexadecimal, the inode in decimal.
    static func holder(of inode: UInt64, device: UInt64, in locks: String) -> Int? {
        let major = device >> 8 & 0xfff
        let minor = device & 0xff | device >> 12 & 0xfff00
        for line in locks.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 5, fields[1] == "FLOCK", let process = Int(fields[4]), process > 0 else { continue }
            let place = fields[5].split(separator: ":")
            guard place.count == 3, UInt64(place[0], radix: 16) == major, UInt64(place[1], radix: 16) == minor,
                UInt64(place[2]) == inode
            else { continue }
            return process
        }
        return nil
    }

    /// `MemAvailable`, bytes.
    static var availableMemory: Int? {
        line("MemAvailable:", in: text("/proc/meminfo")).flatMap { $0.split(separator: " ").first }
            .flatMap { Int($0) }.map { $0 << 10 }
    }

    /// The first processor's features.
    static var features: Set<String> {
        let information = text("/proc/cpuinfo")
        let words = line("flags", in: information) ?? line("Features", in: information) ?? ""
        return Set(words.split(separator: " ").map(String.init))
    }

    static var crashes: Evidence.Crashes {
        let limit = line("Max core file size", in: text("/proc/self/limits"))
        return Evidence.Crashes(
            backtrace: ProcessInfo.processInfo.environment["SWIFT_BACKTRACE"],
            coreLimit: limit?.split(separator: " ").first.map(String.init), isDumpable: cp_dumpable() != 0,
            corePattern: text("/proc/sys/kernel/core_pattern").trimmingCharacters(in: .whitespacesAndNewlines))
    }

    static var swaps: [Evidence.Swap] {
        swaps(in: text("/proc/swaps")) { text("/sys/block/\($0)/dm/uuid") }
    }

    /// - Parameter mapping: what the device mapper says of a device's name; dm-crypt's begins with `CRYPT-`.
    static func swaps(in table: String, mapping: (String) -> String) -> [Evidence.Swap] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            guard let name = line.split(separator: " ").first.map(String.init) else { return nil }
            let device = (name as NSString).lastPathComponent
            let isCovered =
                name.hasPrefix("/dev/zram") || name.hasPrefix("/dev/dm-") && mapping(device).hasPrefix("CRYPT-")
            return Evidence.Swap(name: name, isCovered: isCovered)
        }
    }

    /// What follows a word at the beginning of a line.
    private static func line(_ word: String, in text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix(word) }.map {
            $0.dropFirst(word.count).trimmingCharacters(in: CharacterSet(charactersIn: " \t:"))
        }
    }

    static func text(_ path: String) -> String {
        // In pieces: files of /proc have no size, and give a page at a time.
        guard let file = FileHandle(forReadingAtPath: path) else { return "" }
        var content = Data()
        while let piece = try? file.read(upToCount: 1 << 16), !piece.isEmpty { content += piece }
        return String(decoding: content, as: UTF8.self)
    }
}
