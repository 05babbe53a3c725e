import Foundation
import Glibc

/// Makes a data directory from a backup: everything is checked before it gets its name.
public enum Restoration {
    private static let ending = ".restoring"

    /// - Parameters:
    ///   - path: the backup.
    ///   - directory: the data directory to make; it is not there yet, or empty.
    ///   - hash: SHA-256.
    ///   - isAccount: whether a row's record has the form of an account.
    ///   - progress: bytes restored so far, and all.
    /// - Returns: what it holds.
    /// - Throws: `backup`, with what is wrong; `untrustedDirectory`, `inUse`, `full`, `readOnly`, and nothing was made;
    ///   `unconfirmed` if everything is in its place, and the disk did not say so.
    public static func restore(
        _ path: String, to directory: String, hash: Hash, isAccount: @escaping @Sendable (AccountRow) -> Bool,
        progress: @escaping (UInt64, UInt64) -> Void
    ) throws(ArchiveError) -> ArchiveContents {
        let backup = try BackupFile(reading: path, hash: hash)
        let target = DataDirectory.absolute(directory)
        try judgeVacant(target)
        let staging = try DataDirectory(path: target + ending)
        try clear(staging.path)
        do throws(ArchiveError) {
            try extract(backup, to: staging.path, hash, progress)
            let contents = try check(staging.path, isAccount)
            for folder in [staging.path + "/" + DataDirectory.archiveName, staging.path] {
                guard OpenFile.sync(folder: folder) else { throw ArchiveError.readOnly }
            }
            try OpenFile.move(staging.path, to: target)
            return contents
        } catch {
            try? FileManager.default.removeItem(atPath: staging.path)
            switch error {
            case .exists: throw .untrustedDirectory(.notEmpty)
            case .backup(.unwritable): throw .readOnly
            default: throw error
            }
        }
    }

    private static func judgeVacant(_ path: String) throws(ArchiveError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        switch status.st_mode & S_IFMT {
        case S_IFLNK: throw .untrustedDirectory(.symlink)
        case S_IFDIR: break
        default: throw .untrustedDirectory(.notDirectory)
        }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path), names.isEmpty else {
            throw .untrustedDirectory(.notEmpty)
        }
    }

    /// Removes what an earlier restoration left; anything else is not ours to remove.
    private static func clear(_ path: String) throws(ArchiveError) {
        for file in BackupHeader.File.allCases { unlink(path + "/" + file.name) }
        rmdir(path + "/" + DataDirectory.archiveName)
        guard (try? FileManager.default.contentsOfDirectory(atPath: path)) == [DataDirectory.lockName] else {
            throw .untrustedDirectory(.notEmpty)
        }
    }

    private static func extract(
        _ backup: BackupFile, to folder: String, _ hash: Hash, _ progress: @escaping (UInt64, UInt64) -> Void
    ) throws(ArchiveError) {
        _ = try DataDirectory.checked(path: folder + "/" + DataDirectory.archiveName)
        var files: [BackupHeader.File: OpenFile] = [:]
        for file in BackupHeader.File.allCases { files[file] = try OpenFile(creating: folder + "/" + file.name) }
        try backup.read(hash: hash, progress: progress) { try files[$0]?.write($1) }
        for file in files.values { try file.finish() }
    }

    private static func check(
        _ folder: String, _ isAccount: @escaping @Sendable (AccountRow) -> Bool
    ) throws(ArchiveError) -> ArchiveContents {
        do throws(ArchiveError) {
            return try DatabaseCheck.contents(of: folder + "/" + DataDirectory.databaseName, isAccount: isAccount)
        } catch ArchiveError.damaged { throw .backup(.database) }
    }
}
