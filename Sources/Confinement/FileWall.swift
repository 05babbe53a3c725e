import CPlatform

/// Landlock: the files of a role, and no TCP for who has no use for it.
///
/// Numbers from `linux/landlock.h`. What a process starts is behind its walls too, and behind those of its own.
struct FileWall {
    /// The version in force; nil: none.
    let version: Int?
    /// What this kernel's version does not know.
    let lacking: [String]

    private static let execute: UInt64 = 1, readFile: UInt64 = 1 << 2, readDirectory: UInt64 = 1 << 3
    /// WRITE_FILE, REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG, TRUNCATE: no program, device, socket or link.
    private static let writeFile: UInt64 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14
    /// MAKE_SOCK, REFER: for who listens at a path, and moves what an earlier version left.
    private static let arrange: UInt64 = 1 << 9 | 1 << 13
    private static let bind: UInt64 = 1, connect: UInt64 = 2, scopes: UInt64 = 3

    /// Raises the wall around the calling thread and all that it starts.
    init(_ permissions: Permissions, _ given: [Purpose: String]) throws(ConfinementError) {
        let offered = Int(cp_landlock_version())
        // The first version lets nobody move a file to another folder, and children would inherit that.
        let needed = permissions.listens ? 2 : 1
        lacking = Self.lacking(offered, needed: needed)
        guard offered >= needed else { version = nil; return }
        let handled = Self.handled(offered, reads: permissions.reads != nil)
        let network = (permissions.connects ? 0 : Self.connect) | (permissions.listens ? 0 : Self.bind)
        let rules = cp_landlock_rules(handled, offered >= 4 ? network : 0, offered >= 6 ? Self.scopes : 0)
        try ConfinementError.check(rules, .files)
        defer { _ = cp_call("close", Int(rules), 0, 0, 0, 0, 0) }
        for purpose in (permissions.reads ?? []) + permissions.writes + permissions.executes {
            try Self.allow(purpose, given, Self.rights(purpose, permissions) & handled, rules)
        }
        try ConfinementError.check(cp_landlock_enforce(rules), .files)
        version = offered
    }

    private static func rights(_ purpose: Purpose, _ permissions: Permissions) -> UInt64 {
        var rights = readFile | (purpose == .threadStates ? 0 : readDirectory)
        if permissions.writes.contains(purpose) { rights |= writeFile | (permissions.listens ? arrange : 0) }
        if permissions.executes.contains(purpose) { rights |= execute }
        return rights
    }

    private static func allow(_ purpose: Purpose, _ given: [Purpose: String], _ rights: UInt64, _ rules: Int32)
        throws(ConfinementError)
    {
        // A standard path that is not there needs no right; one that was given must be there.
        guard rights != 0 else { return }
        for path in purpose.standardPaths { _ = cp_landlock_allow(rules, path, rights) }
        guard let path = given[purpose] else { return }
        let result = cp_landlock_allow(rules, path, rights)
        if result < 0 { throw .path(purpose, errno: -result) }
    }

    private static func handled(_ version: Int, reads: Bool) -> UInt64 {
        let known: UInt64 =
            switch version {
            case 1: (1 << 13) - 1
            case 2: (1 << 14) - 1
            case 3, 4: (1 << 15) - 1
            default: (1 << 16) - 1
            }
        return reads ? known : known & ~(readFile | readDirectory)
    }

    private static func lacking(_ version: Int, needed: Int) -> [String] {
        guard version >= needed else {
            return ["the files: this kernel has no Landlock" + (needed > 1 ? " of version \(needed) or later" : "")]
        }
        let since = [
            (3, "truncating files"), (4, "TCP in Landlock (the filter denies it)"), (5, "device controls"),
            (6, "signals and abstract sockets in Landlock (the filter denies them)"),
        ]
        return since.filter { version < $0.0 }.map(\.1)
    }
}
