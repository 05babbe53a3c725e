import Glibc

/// What the kernel says of a file; a link is not followed.
///
/// `stat` is read here and nowhere else in the doctor, where nothing of Foundation comes between.
struct FileStatus {
    /// Permission bits.
    let mode: UInt32
    let owner: UInt32
    let device, inode: UInt64
    /// Seconds since 1970 at which its content changed last.
    let changed: Int

    /// Nil: there is nothing of this name, or it cannot be looked at.
    init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        (mode, owner) = (UInt32(status.st_mode) & 0o7777, status.st_uid)
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
        changed = status.st_mtim.tv_sec
    }
}
