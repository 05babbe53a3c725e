import Foundation
import GRDB
import Glibc

/// Ciphertext on disk: puts, gets and deletes rows by opaque id.
///
/// It has no key and imports nothing that could open a record.
///
/// One connection, so that one writer is a fact; WAL with `synchronous=FULL`, so that what was acknowledged survives a
/// power cut. Every
/// statement on a person's rows names their account: an id alone is no authority.
public final class Archive: Sendable {
    let database: DatabaseQueue
    let folder: String

    /// Opens or creates the archive of a directory, which holds the lock.
    /// - Throws: `untrustedDirectory`, `untrustedFile`, `full`, `readOnly`, `damaged`.
    public convenience init(in directory: DataDirectory) throws(ArchiveError) {
        try self.init(folder: try directory.archiveFolder())
    }

    /// Opens or creates `archive.sqlite` in a folder that nobody else has open.
    /// - Throws: `untrustedFile`, `full`, `readOnly`, `damaged`.
    public convenience init(folder: String) throws(ArchiveError) {
        // SQLite gives its log and shared memory the mode of the database file.
        let file = folder + "/archive.sqlite"
        Glibc.close(try DataDirectory.openFile(file, O_RDWR | O_CREAT))
        try DataDirectory.checkCompanions(of: file)
        try self.init(file: file, pageLimit: nil)
        removeSnapshots(olderThan: 0)
    }

    /// Where the archive of a directory lies.
    public static func file(in directory: DataDirectory) -> String { directory.path + "/" + DataDirectory.databaseName }

    /// - Parameter pageLimit: largest number of pages, to try a full disk; nil: none.
    init(file: String, pageLimit: Int?) throws(ArchiveError) {
        var configuration = Configuration()
        // The gateway of a server that was killed may need a moment to end.
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { database in
            for pragma in Self.pragmas { try database.execute(sql: "PRAGMA \(pragma)") }
            if let pageLimit { try database.execute(sql: "PRAGMA max_page_count = \(pageLimit)") }
        }
        folder = DataDirectory.parent(of: file) ?? "/"
        database = try translated {
            let queue = try DatabaseQueue(path: file, configuration: configuration)
            try Schema.migrator.migrate(queue)
            return queue
        }
    }

    /// `security.md` §4, F7 and F9: deleted bytes are overwritten, nothing spills to temporary files, the schema is not
    /// trusted.
    private static let pragmas = [
        "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY", "trusted_schema = OFF",
        "cell_size_check = ON", "foreign_keys = ON",
    ]

    /// Runs a read off the cooperative pool.
    /// - Throws: `unreachable` if the disk cannot be read.
    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(ArchiveError) -> T {
        do throws(ArchiveError) { return try await shielded { [database] in try await database.read(body) } } catch {
            throw error == .readOnly || error == .unconfirmed ? .unreachable : error
        }
    }

    /// Runs a transaction to its end, whether or not the caller is cancelled meanwhile.
    func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(ArchiveError) -> T {
        try await shielded { [database] in try await database.write(body) }
    }

    /// Runs what SQLite does not allow inside of a transaction.
    func withoutTransaction<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(ArchiveError)
        -> T
    {
        try await shielded { [database] in try await database.writeWithoutTransaction(body) }
    }

    private func shielded<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws(ArchiveError) -> T
    {
        let result = await Task { try await body() }.result
        return try translated { try result.get() }
    }

    /// Moves the write-ahead log into the database and empties it.
    /// - Returns: false if a reader kept it from being emptied.
    public func truncateLog() async throws(ArchiveError) -> Bool {
        try await withoutTransaction { database in
            let row = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return row.map { $0[0] as Int == 0 } ?? false
        }
    }

    /// Whether SQLite finds the archive of a directory whole: `PRAGMA quick_check`, read-only.
    /// - Throws: `damaged` if it does not even open.
    public static func isWhole(in directory: DataDirectory) throws(ArchiveError) -> Bool {
        let file = file(in: directory)
        // SQLite makes these even to read; the directory is ours alone, so they can go again.
        let made = ["-wal", "-shm"].map { file + $0 }.filter { access($0, F_OK) != 0 }
        defer { for path in made { unlink(path) } }
        var configuration = Configuration()
        configuration.readonly = true
        return try translated {
            let queue = try DatabaseQueue(path: file, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read { try String.fetchAll($0, sql: "PRAGMA quick_check") == ["ok"] }
        }
    }

    /// Closes the database; what follows fails.
    public func close() { try? database.close() }
}

/// The one place where SQLite's words become ours.
func translated<T>(_ body: () throws -> T) throws(ArchiveError) -> T {
    do { return try body() } catch let error as ArchiveError { throw error } catch let error as DatabaseError {
        switch error.resultCode {
        case .SQLITE_FULL: throw .full
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM: throw .readOnly
        // A transaction whose sync failed is not in force, but lies in the log: SQLite may find it there when it starts.
        // One that could not be written whole does not.
        case .SQLITE_IOERR:
            let syncs: [ResultCode] = [.SQLITE_IOERR_FSYNC, .SQLITE_IOERR_DIR_FSYNC]
            throw syncs.contains(error.extendedResultCode) ? .unconfirmed : .readOnly
        case .SQLITE_BUSY, .SQLITE_LOCKED: throw .inUse
        case .SQLITE_CONSTRAINT: throw .exists
        default: throw .damaged
        }
    } catch { throw .damaged }
}
