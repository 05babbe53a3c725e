import Archive
import Foundation
import Seams
import Testing

@testable import cloister

/// The archive as a cell reaches it.
struct StoreSeamTests {
    private final class House {
        let path = FileManager.default.temporaryDirectory.path + "/store-\(UUID().uuidString)"
        let archive: Archive
        private var servers: [SeamServer] = []

        init() throws { archive = try Archive(in: DataDirectory(path: path)) }
        deinit {
            archive.close()
            try? FileManager.default.removeItem(atPath: path)
        }

        func cell() throws -> RemoteArchive {
            let (near, far) = try Descriptor.pair()
            servers.append(try StoreServer.serve(archive, on: far))
            return RemoteArchive(seam: try SeamClient(near, limits: .store))
        }
    }

    private func id(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 16) }
    private func account(_ byte: UInt8, revision: UInt64 = 1) -> AccountRow {
        AccountRow(id: id(byte), revision: revision, record: [byte, 1, 2])
    }
    private func conversation(
        _ byte: UInt8, expiry: UInt32? = nil, epoch: UInt32 = 0, version: UInt64 = 0
    ) -> ConversationRow {
        ConversationRow(
            id: id(byte), scope: id(0), expiryDay: expiry, epoch: epoch, wrappedKey: [1, 2], headVersion: version,
            head: [byte])
    }
    private func record(_ ordinal: UInt64, size: Int = 3) -> RecordRow {
        RecordRow(
            ordinal: ordinal, sequence: ordinal, version: 0, kind: 1, epoch: 3,
            box: [UInt8](repeating: UInt8(ordinal % 250), count: size))
    }

    @Test func `everything arrives as it lies on disk`() async throws {
        let house = try House()
        let cell = try house.cell()
        #expect(try await !cell.hasAccounts())
        try await cell.insert(account(1), lookup: [7])
        #expect(try await cell.hasAccounts())
        #expect(try await cell.account(lookup: [7]) == account(1))
        #expect(try await cell.account(id: id(1)) == account(1))
        try await cell.update(account(1, revision: 2))
        try await cell.countAttempt(lookup: [7], now: 99)
        #expect(try await cell.attempts(lookup: [7]) == (1, 99))
        try await cell.clearAttempts(lookup: [7])
        #expect(try await cell.attempts(lookup: [7]).failures == 0)
        try await cell.noteUse(of: id(8), account: id(1), day: 20_000)
        #expect(try await cell.uses(account: id(1)) == [id(8): 20_000])

        for number in UInt8(2)...40 { try await cell.insert(conversation(number, expiry: 70_000), account: id(1)) }
        #expect(try await cell.conversations(account: id(1), scope: nil).count == 39)
        #expect(try await cell.conversations(account: id(1), scope: id(5)).isEmpty)
        #expect(try await cell.conversation(id(2), account: id(1)) == conversation(2, expiry: 70_000))
        for ordinal in UInt64(0)..<30 {
            try await cell.change(
                id(2), account: id(1), headVersion: ordinal + 1, head: [9], record: record(ordinal, size: 100_000))
        }
        #expect(try await cell.records(of: id(2), account: id(1)) == (0..<30).map { record($0, size: 100_000) })
        #expect(try await cell.size(account: id(1)) == (30, 3_000_000))
        try await cell.reseal(
            conversation(2, epoch: 1, version: 31), account: id(1), records: (0..<30).map { record($0) })
        #expect(try await cell.records(of: id(2), account: id(1)) == (0..<30).map { record($0) })
        #expect(try await cell.conversation(id(2), account: id(1))?.epoch == 1)
        #expect(try await cell.delete(id(2), account: id(1)).records == 30)
        #expect(try await cell.conversation(id(2), account: id(1)) == nil)
    }

    @Test func `errors keep their meaning`() async throws {
        let house = try House()
        let cell = try house.cell()
        try await cell.insert(account(1), lookup: [7])
        try await cell.insert(conversation(2), account: id(1))
        await #expect(throws: ArchiveError.exists) { try await cell.insert(conversation(2), account: id(1)) }
        await #expect(throws: ArchiveError.notFound) { try await cell.delete(id(3), account: id(1)) }
        await #expect(throws: ArchiveError.conflict) {
            try await cell.change(id(2), account: id(1), headVersion: 9, head: [1], record: nil)
        }
    }

    @Test func `the first account that a cell names is the only one it gets`() async throws {
        let house = try House()
        try await house.archive.insert(account(1), lookup: [1])
        try await house.archive.insert(account(2), lookup: [2])
        try await house.archive.insert(conversation(5), account: id(2))
        let cell = try house.cell()
        _ = try await cell.account(lookup: [1])
        await #expect(throws: ArchiveError.notFound) { try await cell.account(lookup: [2]) }
        await #expect(throws: ArchiveError.notFound) { try await cell.account(id: id(2)) }
        await #expect(throws: ArchiveError.notFound) { try await cell.update(account(2, revision: 2)) }
        await #expect(throws: ArchiveError.notFound) { try await cell.clearAttempts(lookup: [2]) }
        await #expect(throws: ArchiveError.notFound) { try await cell.conversations(account: id(2), scope: nil) }
        await #expect(throws: ArchiveError.notFound) { try await cell.delete(id(5), account: id(2)) }
        await #expect(throws: ArchiveError.notFound) { try await cell.delete(id(5), account: id(1)) }
        await #expect(throws: ArchiveError.notFound) { try await cell.rekey(account(2), wrapped: [:]) }
        #expect(try await house.archive.conversation(id(5), account: id(2)) == conversation(5))
        #expect(try await house.cell().account(lookup: [2]) == account(2))
    }
}
