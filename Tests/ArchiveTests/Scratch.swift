import Foundation

@testable import Archive

/// A directory of its own for one test, gone afterwards.
final class Scratch {
    let path: String

    init() throws {
        path = "/tmp/cloister-archive-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var files: [String] { (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? [] }

    func contains(_ bytes: [UInt8]) -> Bool {
        files.contains { file in
            (try? Data(contentsOf: URL(filePath: path + "/" + file)))?.range(of: Data(bytes)) != nil
        }
    }
}

func id(_ byte: UInt8) -> OpaqueID { OpaqueID(repeating: byte, count: 16) }
func account(_ byte: UInt8) -> AccountRow { AccountRow(id: id(byte), revision: 1, record: [byte]) }
func conversation(_ byte: UInt8) -> ConversationRow {
    ConversationRow(id: id(byte), scope: id(0), expiryDay: nil, wrappedKey: [1], headVersion: 0, head: [byte])
}
func record(_ ordinal: UInt64, _ box: [UInt8] = [7]) -> RecordRow {
    RecordRow(ordinal: ordinal, sequence: ordinal, version: 0, kind: 1, epoch: 0, box: box)
}
