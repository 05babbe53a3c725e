import CPlatform

/// Landlock: the files of a role, and no TCP for who has no use for it.
///
/// Numbers from `linux/landlock.h`.
struct FileWall {
    /// The version in force; nil: none.
    let version: Int?
    /// What this kernel's version does not know.
    let lacking: [String]

    private static let readFile: UInt64 = 1 << 2, readDirectory: UInt64 = 1 << 3
    /// WRITE_FILE, REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG, TRUNCATE: no program, device, socket or link.
    private static let writeFile: UInt64 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14
    private static let bind: UInt64 = 1, connect: UInt64 = 2, scopes: UInt64 = 3

    /// Raises the wall around the calling thread and all that it starts.
    init(_ permissions: Permissions, _ given: [Purpose: String]) throws(ConfinementError) {
        guard let reads = permissions.reads else { (version, lacking) = (nil, ["the files: by design"]); return }
        let offered = Int(cp_landlock_version())
        lacking = Self.lacking(offered)
        guard offered > 0 else { version = nil; return }
        let handled = Self.handled(offered)
        let network = offered >= 4 ? (permissions.connects ? Self.bind : Self.bind | Self.connect) : 0
        let rules = cp_landlock_rules(handled, network, offered >= 6 ? Self.scopes : 0)
        try ConfinementError.check(rules, .files)
        defer { _ = cp_call("close", Int(rules), 0, 0, 0, 0, 0) }
        for purpose in reads + permissions.writes {
            var rights = Self.readFile | (purpose == .threadStates ? 0 : Self.readDirectory)
            if permissions.writes.contains(purpose) { rights |= Self.writeFile }
            try Self.allow(purpose, given, rights & handled, rules)
        }
        try ConfinementError.check(cp_landlock_enforce(rules), .files)
        version = offered
    }

    private static func allow(_ purpose: Purpose, _ given: [Purpose: String], _ rights: UInt64, _ rules: Int32)
        throws(ConfinementError)
    {
        // A standard path that is not there needs no right; one that was given must be there.
        for path in purpose.standardPaths { _ = cp_landlock_allow(rules, path, rights) }
        guard let path = given[purpose] else { return }
        let result = cp_landlock_allow(rules, path, rights)
        if result < 0 { throw .path(purpose, errno: -result) }
    }

    private static func handled(_ version: Int) -> UInt64 {
        switch version {
        case 1: (1 << 13) - 1
        case 2: (1 << 14) - 1
        case 3, 4: (1 << 15) - 1
        default: (1 << 16) - 1
        }
    }

    private static func lacking(_ version: Int) -> [String] {
        guard version > 0 else { return ["the files: this kernel has no Landlock"] }
        let since = [
            (3, "truncating files"), (4, "TCP in Landlock (the filter denies it)"), (5, "device controls"),
            (6, "signals and abstract sockets in Landlock (the filter denies them)"),
        ]
        return since.filter { version < $0.0 }.map(\.1)
    }
}
