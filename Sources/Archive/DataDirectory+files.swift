import Glibc

extension DataDirectory {
    /// Opens a file that is this user's alone: regular, under one name, closed to others.
    ///
    /// No link is followed, and a pipe in its place holds nothing up.
    /// - Returns: its descriptor.
    /// - Throws: `untrustedFile`; `notFound` if it is not there; `readOnly`.
    static func openFile(_ path: String, _ flags: Int32) throws(ArchiveError) -> Int32 {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let descriptor = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT: throw .notFound
            case ELOOP: throw .untrustedFile(name, .link)
            case EISDIR, ENXIO, ENODEV: throw .untrustedFile(name, .notRegular)
            default: throw .readOnly
            }
        }
        if let fault = fault(of: descriptor) {
            close(descriptor)
            throw .untrustedFile(name, fault)
        }
        return descriptor
    }

    /// Checks a database and the files that SQLite keeps beside it and opens by itself, as far as they are there.
    /// - Throws: as `openFile`.
    static func checkCompanions(of file: String) throws(ArchiveError) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            do { close(try openFile(file + suffix, O_RDONLY)) } catch .notFound { continue }
        }
    }

    private static func fault(of descriptor: Int32) -> ArchiveError.FileFault? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return .notRegular }
        guard status.st_uid == geteuid() else { return .foreignOwner }
        guard status.st_mode & 0o077 == 0 else { return .open }
        return status.st_nlink == 1 ? nil : .link
    }
}
