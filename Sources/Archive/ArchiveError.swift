/// What can go wrong on disk, in words that a person can act on.
public enum ArchiveError: Error, Equatable, Sendable {
    /// The data directory or one of its parents cannot be trusted; says why.
    case untrustedDirectory(DirectoryFault)
    /// A file of the data directory cannot be trusted; its name, and why.
    case untrustedFile(String, FileFault)
    /// Another process has this data directory open.
    case inUse
    /// The disk is full; nothing was changed.
    case full
    /// The data directory cannot be written; nothing was changed.
    case readOnly
    /// The disk failed and did not confirm what was written: it may be there or not after the next start.
    case unconfirmed
    /// The database is damaged or not ours.
    case damaged
    /// Something with this name is there already.
    case exists
    /// There is no such row for this account.
    case notFound
    /// The row changed since it was read.
    case conflict
    /// The process that has the archive has ended.
    case unreachable
    /// A backup is not taken, or cannot be made; says why.
    case backup(BackupFault)

    /// Why a directory is refused.
    public enum DirectoryFault: String, Sendable {
        case symlink = "it is, or lies behind, a symbolic link"
        case foreignOwner = "it belongs to another user"
        case open = "others may read or write it (its mode must be 0700)"
        case notDirectory = "it is not a directory"
        case cannotCreate = "it cannot be created"
        case notEmpty = "it is not empty: choose one that is not there yet"
    }

    /// Why a file is refused.
    public enum FileFault: String, Sendable {
        case link = "it is a link, or has another name elsewhere"
        case notRegular = "it is not a regular file"
        case foreignOwner = "it belongs to another user"
        case open = "others may read or write it (its mode must be 0600)"
    }

    /// Why a backup is refused.
    public enum BackupFault: String, Sendable {
        case unreadable = "it cannot be read, or is no regular file"
        case unwritable = "it cannot be written there: choose another place"
        case foreign = "it is not a backup of Cloister"
        case newer = "a newer version of Cloister made it: update this one first"
        case truncated = "it is cut off: copy it again from where it was made"
        case changed = "it was changed or damaged since it was made: use another copy"
        case database = "the archive in it is damaged or not Cloister's: use another backup"
    }
}
