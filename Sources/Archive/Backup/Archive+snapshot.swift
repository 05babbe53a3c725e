import Foundation
import GRDB
import Glibc

extension Archive {
    private static let snapshotStart = "snapshot-"
    private static let snapshotEnd = ".sqlite"
    /// SQLite writes this beside a snapshot while it makes it.
    private static let journalEnd = "-journal"
    /// *Our choice*: seconds, longer than any backup takes.
    private static let snapshotLife = 86_400

    /// Writes the whole database, as it is at this moment, to a file of a random name beside it.
    ///
    /// Other requests wait meanwhile. `BackupFile.write` checks the file and takes it away.
    /// - Returns: the file's name in the data directory.
    /// - Throws: `full`, `readOnly`; `damaged` if the archive cannot be read.
    public func snapshot() async throws(ArchiveError) -> String {
        removeSnapshots(olderThan: Self.snapshotLife)
        let name = Self.snapshotStart + UUID().uuidString.lowercased() + Self.snapshotEnd
        let file = folder + "/" + name
        // SQLite takes an empty file; so it is private from its first byte on.
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .readOnly }
        Glibc.close(descriptor)
        do throws(ArchiveError) {
            try await withoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [file]) }
            return name
        } catch {
            for ending in ["", Self.journalEnd] { unlink(file + ending) }
            // Of a snapshot nobody was told, and it is gone.
            throw error == .unconfirmed ? .readOnly : error
        }
    }

    /// Whether a file of the data directory is a snapshot.
    public static func isSnapshot(_ name: String) -> Bool {
        name.hasPrefix(snapshotStart) && name.hasSuffix(snapshotEnd)
            && UUID(uuidString: String(name.dropFirst(snapshotStart.count).dropLast(snapshotEnd.count))) != nil
    }

    /// Removes the snapshots that a kill left behind.
    /// - Parameter age: seconds.
    func removeSnapshots(olderThan age: Int) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names {
            let snapshot = name.hasSuffix(Self.journalEnd) ? String(name.dropLast(Self.journalEnd.count)) : name
            guard Self.isSnapshot(snapshot) else { continue }
            var status = stat()
            guard lstat(folder + "/" + name, &status) == 0, time(nil) - status.st_mtim.tv_sec >= age else { continue }
            unlink(folder + "/" + name)
        }
    }
}
