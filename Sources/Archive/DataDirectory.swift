import Glibc

/// The one directory that Cloister writes: private to its user, and held by one process at a time.
public final class DataDirectory: Sendable {
    /// The folder of the archive: all that the process with the network may write.
    static let archiveName = "archive"
    /// The archive, in its folder.
    public static let databaseName = archiveName + "/archive.sqlite"
    static let lockName = "lock"
    /// The file with the seed of the node's identity.
    public static let nodeKeyName = "node.key"

    /// Absolute path without symbolic links.
    public let path: String
    private let lock: Int32

    /// Opens or creates the directory and takes its lock.
    /// - Throws: `untrustedDirectory` for symbolic links, foreign owners and open modes, `untrustedFile` for the same of
    ///   its lock; `inUse` if another process holds it.
    public init(path: String) throws(ArchiveError) {
        self.path = try Self.checked(path: path)
        lock = try Self.takeLock(self.path + "/" + Self.lockName)
    }

    /// Creates the directory if it is not there and checks that it is ours, without taking its lock.
    /// - Returns: the absolute path.
    /// - Throws: `untrustedDirectory`.
    public static func checked(path: String) throws(ArchiveError) -> String {
        let path = absolute(path)
        try createIfAbsent(path)
        return try trusted(path: path)
    }

    /// Checks that the directory is ours; changes nothing.
    /// - Returns: the absolute path.
    /// - Throws: `untrustedDirectory`.
    public static func trusted(path: String) throws(ArchiveError) -> String {
        let path = absolute(path)
        guard let resolved = realpath(path, nil) else { throw .untrustedDirectory(.cannotCreate) }
        defer { free(resolved) }
        let canonical = String(cString: resolved)
        guard canonical == path else { throw .untrustedDirectory(.symlink) }
        try judge(canonical)
        return canonical
    }

    deinit { close(lock) }

    /// Whether another process holds the directory at `path` right now.
    public static func isHeld(path: String) -> Bool {
        let descriptor = open(path + "/" + lockName, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) != 0
    }

    /// The folder of the archive, private like the directory; made if it is not there.
    ///
    /// An archive that an earlier version left beside it is moved into it.
    /// - Returns: its absolute path.
    /// - Throws: `untrustedDirectory`, `untrustedFile`, `readOnly`, `unconfirmed`.
    public func archiveFolder() throws(ArchiveError) -> String {
        let folder = try Self.checked(path: path + "/" + Self.archiveName)
        try Self.checkCompanions(of: path + "/archive.sqlite")
        // The log first: a database without it would look whole, and lack what was written last.
        for ending in ["-wal", "-shm", ""] {
            let (old, new) = (path + "/archive.sqlite" + ending, path + "/" + Self.databaseName + ending)
            guard access(old, F_OK) == 0 else { continue }
            guard access(new, F_OK) != 0, rename(old, new) == 0 else { throw .readOnly }
        }
        guard OpenFile.sync(folder: folder) else { throw .unconfirmed }
        try Self.checkCompanions(of: path + "/" + Self.databaseName)
        return folder
    }

    /// Reads a small file of the directory; nil if it is not there.
    /// - Parameter limit: bytes; a longer file is `damaged`.
    /// - Throws: `untrustedFile`, `readOnly`, `damaged`.
    public func read(_ name: String, limit: Int = 4096) throws(ArchiveError) -> [UInt8]? {
        let descriptor: Int32
        do { descriptor = try Self.openFile(path + "/" + name, O_RDONLY) } catch .notFound { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: limit + 1)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard (0...limit).contains(count) else { throw .damaged }
        return Array(buffer.prefix(count))
    }

    /// Writes a small file once: mode 0600, synced, and in place only when complete.
    /// - Throws: `full`, `readOnly`, and nothing was changed; `unconfirmed`.
    public func create(_ name: String, _ content: [UInt8]) throws(ArchiveError) {
        let partial = path + "/" + name + ".new"
        unlink(partial)
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .readOnly }
        defer { close(descriptor) }
        let isWritten = write(descriptor, content, content.count) == content.count && fsync(descriptor) == 0
        guard isWritten, rename(partial, path + "/" + name) == 0 else {
            let isFull = OpenFile.writingFailed == .full
            unlink(partial)
            throw isFull ? .full : .readOnly
        }
        guard OpenFile.sync(folder: path) else { throw .unconfirmed }
    }

    private static func createIfAbsent(_ path: String) throws(ArchiveError) {
        var status = stat()
        guard lstat(path, &status) != 0 else { return }
        if let parent = parent(of: path), lstat(parent, &status) != 0 { try createIfAbsent(parent) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .untrustedDirectory(.cannotCreate) }
    }

    private static func judge(_ path: String) throws(ArchiveError) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .untrustedDirectory(.notDirectory)
        }
        guard status.st_uid == geteuid() else { throw .untrustedDirectory(.foreignOwner) }
        guard status.st_mode & 0o077 == 0 else { throw .untrustedDirectory(.open) }
        // A parent that belongs to neither us nor root could swap the directory under us.
        var ancestor = parent(of: path)
        while let directory = ancestor {
            guard lstat(directory, &status) == 0, status.st_uid == 0 || status.st_uid == geteuid() else {
                throw .untrustedDirectory(.foreignOwner)
            }
            ancestor = parent(of: directory)
        }
    }

    /// *Our choice*: a process that was killed holds its files until the kernel has cleared it away; so long we wait.
    private static let patience = 20, pause: UInt32 = 50_000

    private static func takeLock(_ path: String) throws(ArchiveError) -> Int32 {
        let descriptor = try openFile(path, O_RDWR | O_CREAT)
        for _ in 0..<patience {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
            usleep(pause)
        }
        close(descriptor)
        throw .inUse
    }

    static func parent(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/"), path != "/" else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The path from the root, without dots and doubled slashes; links are not followed.
    static func absolute(_ path: String) -> String {
        let path = path.hasPrefix("/") ? path : currentDirectory() + "/" + path
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    private static func currentDirectory() -> String {
        guard let directory = getcwd(nil, 0) else { return "/" }
        defer { free(directory) }
        return String(cString: directory)
    }
}
