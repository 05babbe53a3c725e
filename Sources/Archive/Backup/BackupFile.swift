import Glibc

/// A backup on disk.
///
/// `docs/formats/backup.md`.
public final class BackupFile {
    /// What it says it holds.
    public let header: BackupHeader
    private let file: OpenFile

    /// Opens a backup and judges its header and its length.
    /// - Throws: `backup`, with what is wrong.
    public init(reading path: String, hash: Hash) throws(ArchiveError) {
        file = try OpenFile(reading: path)
        header = try BackupHeader(decoding: file.read(atMost: UInt64(BackupHeader.byteCount)), hash: hash)
        guard file.byteCount >= header.total else { throw .backup(.truncated) }
        guard file.byteCount == header.total else { throw .backup(.changed) }
    }

    /// Reads every content once and compares it with its digest.
    /// - Parameters:
    ///   - progress: bytes read so far, and all.
    ///   - sink: gets each content in pieces.
    /// - Throws: `backup(.truncated)`, `backup(.changed)`, what `sink` throws.
    func read(
        hash: Hash, progress: @escaping (UInt64, UInt64) -> Void,
        into sink: @escaping (BackupHeader.File, [UInt8]) throws -> Void
    ) throws(ArchiveError) {
        var done = UInt64(BackupHeader.byteCount)
        for entry in header.entries {
            var rest = entry.length
            let digest = try translated {
                try hash {
                    guard rest > 0 else { return nil }
                    let bytes = try file.read(atMost: rest)
                    guard !bytes.isEmpty else { throw ArchiveError.backup(.truncated) }
                    try sink(entry.file, bytes)
                    (rest, done) = (rest - UInt64(bytes.count), done + UInt64(bytes.count))
                    progress(done, header.total)
                    return bytes
                }
            }
            guard digest == entry.digest else { throw .backup(.changed) }
        }
    }

    /// Checks a snapshot, writes a backup beside its place, reads it back, and puts it in place.
    ///
    /// A file that is there already is replaced.
    /// - Parameters:
    ///   - path: where to.
    ///   - snapshot: name of a snapshot in the archive's folder; it is gone afterwards.
    ///   - directory: the data directory's path.
    ///   - hash: SHA-256.
    ///   - progress: bytes written or read back so far, and all.
    /// - Returns: bytes of the backup.
    /// - Throws: `full`, `damaged`, `backup`; `unconfirmed` if it is in its place, and the disk did not say so.
    public static func write(
        to path: String, snapshot: String, of directory: String, hash: Hash,
        progress: @escaping (UInt64, UInt64) -> Void
    ) throws(ArchiveError) -> UInt64 {
        let snapshot = directory + "/" + DataDirectory.archiveName + "/" + snapshot
        defer { unlink(snapshot) }
        _ = try DatabaseCheck.contents(of: snapshot) { _ in true }
        let sources: [(BackupHeader.File, OpenFile)] = [
            (.database, try OpenFile(reading: snapshot)),
            (.nodeKey, try OpenFile(reading: directory + "/" + DataDirectory.nodeKeyName)),
        ]
        // The open file stays until it is closed, even if this process is killed now.
        unlink(snapshot)
        let partial = path + ".partial"
        unlink(partial)
        do throws(ArchiveError) {
            let total = 2 * sources.reduce(UInt64(BackupHeader.byteCount)) { $0 + $1.1.byteCount }
            try write(sources, to: OpenFile(creating: partial), hash) { progress($0, total) }
            let copy = try BackupFile(reading: partial, hash: hash)
            try copy.read(hash: hash, progress: { done, _ in progress(total / 2 + done, total) }, into: { _, _ in })
            try OpenFile.move(partial, to: path)
            return copy.header.total
        } catch {
            unlink(partial)
            throw error
        }
    }

    private static func write(
        _ sources: [(BackupHeader.File, OpenFile)], to target: OpenFile, _ hash: Hash,
        progress: @escaping (UInt64) -> Void
    ) throws(ArchiveError) {
        try target.write([UInt8](repeating: 0, count: BackupHeader.byteCount))
        var (entries, done) = ([BackupHeader.Entry](), UInt64(BackupHeader.byteCount))
        for (file, source) in sources {
            let start = done
            let digest = try translated {
                try hash {
                    let bytes = try source.read()
                    guard !bytes.isEmpty else { return nil }
                    try target.write(bytes)
                    done += UInt64(bytes.count)
                    progress(done)
                    return bytes
                }
            }
            guard file.lengths.contains(done - start) else { throw .damaged }
            entries.append(BackupHeader.Entry(file: file, length: done - start, digest: digest))
        }
        try target.finish(beginning: BackupHeader(entries: entries).encoded(hash: hash))
    }
}
