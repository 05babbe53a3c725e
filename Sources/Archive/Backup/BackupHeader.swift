/// What a backup begins with: the files that follow, how long each is, and its digest.
///
/// `docs/formats/backup.md`. A file has a number and no name, so nothing in a backup chooses where it is written.
public struct BackupHeader: Sendable, Equatable {
    /// A file that a backup holds.
    public enum File: UInt8, CaseIterable, Sendable {
        /// The archive.
        case database = 1
        /// The seed of the node's identity.
        case nodeKey = 2

        /// Its name in the data directory.
        var name: String {
            switch self {
            case .database: DataDirectory.databaseName
            case .nodeKey: DataDirectory.nodeKeyName
            }
        }

        /// Accepted lengths, bytes.
        ///
        /// Our choice for the database: SQLite's smallest page, and more than a person's archive will ever have.
        var lengths: ClosedRange<UInt64> {
            switch self {
            case .database: 512...1 << 40
            case .nodeKey: 32...32
            }
        }
    }

    /// One file's line in the header.
    public struct Entry: Sendable, Equatable {
        /// Which file.
        public let file: File
        /// Bytes of its content.
        public let length: UInt64
        /// SHA-256 of its content.
        public let digest: [UInt8]
    }

    private static let magic = Array("CLBK".utf8) + [1, UInt8(File.allCases.count)]
    private static let entryCount = 1 + 8 + 32
    private static let digestStart = magic.count + File.allCases.count * entryCount
    /// Length in bytes.
    public static let byteCount = digestStart + 32

    /// The files, in the order of their contents.
    public let entries: [Entry]

    init(entries: [Entry]) { self.entries = entries }

    /// Bytes of header and contents.
    public var total: UInt64 { entries.reduce(UInt64(Self.byteCount)) { $0 + $1.length } }

    /// Reads a header.
    /// - Parameter hash: SHA-256.
    /// - Throws: `backup`, with what is wrong.
    public init(decoding bytes: [UInt8], hash: Hash) throws(ArchiveError) {
        guard bytes.starts(with: Self.magic.prefix(4)) else { throw .backup(.foreign) }
        guard bytes.count >= Self.byteCount else { throw .backup(.truncated) }
        guard bytes[4] == Self.magic[4] else { throw .backup(.newer) }
        guard try Self.digest(of: bytes.prefix(Self.digestStart), hash) == bytes[Self.digestStart..<Self.byteCount],
            bytes[5] == Self.magic[5]
        else { throw .backup(.changed) }
        var entries: [Entry] = []
        for (index, file) in File.allCases.enumerated() {
            let start = Self.magic.count + index * Self.entryCount
            let length = bytes[start + 1..<start + 9].reduce(0) { $0 << 8 | UInt64($1) }
            guard bytes[start] == file.rawValue, file.lengths.contains(length) else { throw .backup(.changed) }
            entries.append(
                Entry(file: file, length: length, digest: Array(bytes[start + 9..<start + Self.entryCount])))
        }
        self.entries = entries
    }

    func encoded(hash: Hash) throws(ArchiveError) -> [UInt8] {
        var bytes = Self.magic
        for entry in entries {
            bytes.append(entry.file.rawValue)
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: entry.length >> shift))
            }
            bytes += entry.digest
        }
        return bytes + (try Self.digest(of: bytes[...], hash))
    }

    private static func digest(of bytes: ArraySlice<UInt8>, _ hash: Hash) throws(ArchiveError) -> ArraySlice<UInt8> {
        var rest: [UInt8]? = Array(bytes)
        return try translated {
            try hash {
                defer { rest = nil }
                return rest
            }[...]
        }
    }
}

/// SHA-256 of all pieces until nil, 32 bytes.
///
/// The caller brings it: this room imports nothing that could open a record, and the room that hashes could.
public typealias Hash = (_ next: () throws -> [UInt8]?) throws -> [UInt8]
