import Foundation
import GRDB
import Testing

@testable import Archive

struct ArchiveTests {
    private let scratch: Scratch
    private let archive: Archive

    init() async throws {
        scratch = try Scratch()
        archive = try Archive(in: DataDirectory(path: scratch.path))
        try await archive.insert(account(1), lookup: [1])
        try await archive.insert(account(2), lookup: [2])
    }

    @Test func `what was put comes back`() async throws {
        try await archive.insert(conversation(9), account: id(1))
        try await archive.change(id(9), account: id(1), headVersion: 1, head: [5], record: record(0))
        try await archive.change(id(9), account: id(1), headVersion: 2, head: [6], record: nil)
        #expect(try await archive.records(of: id(9), account: id(1)) == [record(0)])
        #expect(try await archive.conversation(id(9), account: id(1))?.head == [6])
        #expect(try await archive.conversations(account: id(1), scope: id(0)).count == 1)
        #expect(try await archive.conversations(account: id(1), scope: id(3)).isEmpty)
        #expect(try await archive.size(account: id(1)) == (1, 1))
    }

    @Test func `a conversation comes with what it begins with, or not at all`() async throws {
        await #expect(throws: ArchiveError.exists) {
            try await archive.insert(conversation(8), account: id(1), records: [record(0), record(1), record(1)])
        }
        #expect(try await archive.conversations(account: id(1), scope: nil).isEmpty)
        try await archive.insert(conversation(8), account: id(1), records: [record(0), record(1)])
        #expect(try await archive.records(of: id(8), account: id(1)) == [record(0), record(1)])
    }

    @Test func `another account's rows are not there`() async throws {
        try await archive.insert(conversation(9), account: id(1))
        try await archive.change(id(9), account: id(1), headVersion: 1, head: [5], record: record(0))
        #expect(try await archive.conversation(id(9), account: id(2)) == nil)
        #expect(try await archive.records(of: id(9), account: id(2)).isEmpty)
        await #expect(throws: ArchiveError.notFound) {
            try await archive.change(id(9), account: id(2), headVersion: 2, head: [5], record: nil)
        }
        await #expect(throws: ArchiveError.notFound) { _ = try await archive.delete(id(9), account: id(2)) }
        #expect(try await archive.records(of: id(9), account: id(1)).count == 1)
    }

    @Test func `a lost update is a conflict and changes nothing`() async throws {
        try await archive.insert(conversation(9), account: id(1))
        try await archive.change(id(9), account: id(1), headVersion: 1, head: [5], record: record(0))
        await #expect(throws: ArchiveError.conflict) {
            try await archive.change(id(9), account: id(1), headVersion: 1, head: [6], record: record(1))
        }
        #expect(try await archive.records(of: id(9), account: id(1)).count == 1)
        await #expect(throws: ArchiveError.conflict) { try await archive.update(account(1)) }
    }

    @Test func `deleted bytes are gone from every file`() async throws {
        let canary = Array("a-canary-that-is-deleted-1234567890".utf8)
        try await archive.insert(conversation(9), account: id(1))
        for ordinal in 0..<40 {
            try await archive.change(
                id(9), account: id(1), headVersion: UInt64(ordinal) + 1, head: canary,
                record: record(UInt64(ordinal), canary + [UInt8](repeating: 0, count: 500)))
        }
        #expect(scratch.contains(canary), "the positive control: it was there")
        let deletion = try await archive.delete(id(9), account: id(1))
        #expect(deletion == Deletion(records: 40, logTruncated: true))
        #expect(!scratch.contains(canary))
    }

    @Test func `expired conversations go, others stay`() async throws {
        for (name, day) in [(UInt8(7), UInt32(100)), (8, 101)] {
            let row = ConversationRow(
                id: id(name), scope: id(0), expiryDay: day, wrappedKey: [1], headVersion: 0, head: [1])
            try await archive.insert(row, account: id(1))
        }
        #expect(try await archive.deleteExpired(today: 101) == 1)
        #expect(try await archive.conversations(account: id(1), scope: nil).map(\.id) == [id(8)])
    }

    @Test func `failed attempts are counted durably and forgotten after success`() async throws {
        for time in 1...3 { try await archive.countAttempt(lookup: [4], now: UInt64(time)) }
        #expect(try await archive.attempts(lookup: [4]) == (3, 3))
        try await archive.clearAttempts(lookup: [4])
        #expect(try await archive.attempts(lookup: [4]) == (0, 0))
    }

    @Test func `two accounts cannot share a look-up value`() async throws {
        await #expect(throws: ArchiveError.exists) { try await archive.insert(account(3), lookup: [1]) }
    }

    @Test func `a full disk is said, and what was acknowledged stays`() async throws {
        let file = scratch.path + "/small.sqlite"
        let small = try Archive(file: file, pageLimit: 40)
        try await small.insert(account(1), lookup: [1])
        try await small.insert(conversation(9), account: id(1))
        var acknowledged: UInt64 = 0
        let big = [UInt8](repeating: 1, count: 9_000)
        await #expect(throws: ArchiveError.full) {
            while acknowledged < 100 {
                try await small.change(
                    id(9), account: id(1), headVersion: acknowledged + 1, head: [1], record: record(acknowledged, big))
                acknowledged += 1
            }
        }
        #expect(try await small.records(of: id(9), account: id(1)).count == Int(acknowledged) && acknowledged > 0)
    }

    @Test func `files are private and pragmas hold`() async throws {
        try await archive.insert(conversation(9), account: id(1))
        for file in scratch.files {
            let mode = try FileManager.default.attributesOfItem(atPath: scratch.path + "/" + file)[.posixPermissions]
            #expect((mode as? Int ?? 0) & 0o077 == 0, "\(file)")
        }
        let values = try await archive.read { database in
            try ["journal_mode", "synchronous", "secure_delete", "temp_store", "trusted_schema"].map {
                try String.fetchOne(database, sql: "PRAGMA \($0)") ?? ""
            }
        }
        #expect(values == ["wal", "2", "1", "2", "0"])
    }
}

struct DataDirectoryTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    @Test func `a second process cannot hold the same directory`() throws {
        let first = try DataDirectory(path: scratch.path)
        #expect(throws: ArchiveError.inUse) { _ = try DataDirectory(path: scratch.path) }
        #expect(DataDirectory.isHeld(path: scratch.path))
        withExtendedLifetime(first) {}
    }

    @Test func `missing parents are made, private`() throws {
        let directory = try DataDirectory(path: scratch.path + "/a/b")
        let mode = try FileManager.default.attributesOfItem(atPath: directory.path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    @Test func `links, open modes and files in its place are refused with the reason`() throws {
        let target = scratch.path + "/target"
        try FileManager.default.createDirectory(
            atPath: target, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/link", withDestinationPath: target)
        for path in ["/link", "/link/inner"] {
            #expect(throws: ArchiveError.untrustedDirectory(.symlink)) {
                _ = try DataDirectory(path: scratch.path + path)
            }
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: target)
        #expect(throws: ArchiveError.untrustedDirectory(.open)) { _ = try DataDirectory(path: target) }
        try Data().write(to: URL(filePath: scratch.path + "/file"))
        #expect(throws: ArchiveError.untrustedDirectory(.notDirectory)) {
            _ = try DataDirectory(path: scratch.path + "/file")
        }
    }

    @Test func `a file that is a link, open or no file is refused by name`() throws {
        let directory = try DataDirectory(path: scratch.path)
        let (manager, file) = (FileManager.default, scratch.path + "/node.key")
        func refusal() -> ArchiveError? { #expect(throws: ArchiveError.self) { _ = try directory.read("node.key") } }
        try directory.create("node.key", [1])
        try manager.linkItem(atPath: file, toPath: scratch.path + "/other")
        #expect(refusal() == .untrustedFile("node.key", .link))
        try manager.removeItem(atPath: scratch.path + "/other")
        try manager.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        #expect(refusal() == .untrustedFile("node.key", .open))
        try manager.removeItem(atPath: file)
        try manager.createSymbolicLink(atPath: file, withDestinationPath: scratch.path + "/lock")
        #expect(refusal() == .untrustedFile("node.key", .link))
        try manager.removeItem(atPath: file)
        #expect(mkfifo(file, 0o600) == 0 && refusal() == .untrustedFile("node.key", .notRegular))
        try manager.removeItem(atPath: file)
        #expect(try directory.read("node.key") == nil)
    }

    @Test func `a small file is created whole and private`() throws {
        let directory = try DataDirectory(path: scratch.path)
        #expect(try directory.read("secret") == nil)
        try directory.create("secret", [1, 2, 3])
        #expect(try directory.read("secret") == [1, 2, 3])
        #expect(throws: ArchiveError.damaged) { _ = try directory.read("secret", limit: 2) }
    }
}
