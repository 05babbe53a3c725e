import Glibc

/// One open file, read or written in pieces, closed at the end of its life.
final class OpenFile {
    /// *Our choice*: large enough to be fast, small enough to hold.
    static let piece = 1 << 20

    /// Bytes when it was opened.
    let byteCount: UInt64
    private let descriptor: Int32

    /// Opens a regular file for reading.
    /// - Throws: `backup(.unreadable)`.
    init(reading path: String) throws(ArchiveError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            if descriptor >= 0 { close(descriptor) }
            throw .backup(.unreadable)
        }
        byteCount = UInt64(clamping: status.st_size)
    }

    /// Makes a private file that was not there.
    /// - Throws: `full`, `backup(.unwritable)`.
    init(creating path: String) throws(ArchiveError) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.writingFailed }
        byteCount = 0
    }

    deinit { close(descriptor) }

    /// The next bytes, at most a piece; empty at the end.
    /// - Throws: `backup(.unreadable)`.
    func read(atMost count: UInt64 = UInt64(piece)) throws(ArchiveError) -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(min(count, UInt64(Self.piece)))) { buffer, filled in
            while filled < buffer.count {
                let count = Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
                if count == 0 { return }
                if count > 0 { filled += count } else if errno != EINTR { return failed = true }
            }
        }
        guard !failed else { throw .backup(.unreadable) }
        return bytes
    }

    /// Appends bytes.
    /// - Throws: `full`, `backup(.unwritable)`.
    func write(_ bytes: [UInt8]) throws(ArchiveError) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + offset }, $0.count - offset)
            }
            if count >= 0 { offset += count } else if errno != EINTR { throw Self.writingFailed }
        }
    }

    /// Writes a few bytes over the beginning, and waits until everything is on disk.
    /// - Throws: `full`, `backup(.unwritable)`.
    func finish(beginning: [UInt8] = []) throws(ArchiveError) {
        guard pwrite(descriptor, beginning, beginning.count, 0) == beginning.count, fsync(descriptor) == 0 else {
            throw Self.writingFailed
        }
    }

    /// Renames a file or folder, and waits until that is on disk.
    /// - Throws: `exists` if the target is there and not empty; `full`, `backup(.unwritable)`; `unconfirmed` if it is in
    ///   its place, and the disk did not say so.
    static func move(_ path: String, to target: String) throws(ArchiveError) {
        guard rename(path, target) == 0 else {
            throw [ENOTEMPTY, EEXIST].contains(errno) ? .exists : writingFailed
        }
        guard sync(folder: DataDirectory.parent(of: target) ?? ".") else { throw .unconfirmed }
    }

    /// Waits until a folder's names are on disk.
    /// - Returns: whether they are.
    static func sync(folder: String) -> Bool {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(descriptor) }
        return descriptor >= 0 && fsync(descriptor) == 0
    }

    /// What `errno` means after a write.
    static var writingFailed: ArchiveError {
        [ENOSPC, EDQUOT, EFBIG].contains(errno) ? .full : .backup(.unwritable)
    }
}
