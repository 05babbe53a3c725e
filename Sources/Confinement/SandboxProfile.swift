/// The table as text for the sandbox of macOS (SBPL, `sandbox(7)`), as far as it can be written without a machine to
/// test it on.
///
/// Untested, and applied by nothing: on macOS no wall stands, and the standing says so. A process would put it around
/// itself once it is loaded, so it grants no library. What it cannot say: limits, dumps, single system calls.
struct SandboxProfile {
    /// The profile; nil for who starts others: no second sandbox goes into a first, so its children would have none of
    /// their own.
    let text: String?

    init(_ role: Role) {
        let row = role.permissions
        let groups = Set(row.calls.map(\.name))
        guard !groups.contains(CallGroup.children.name), let reads = row.reads else { text = nil; return }
        let rules = [
            Self.allow("file-read*", Self.folders(reads + row.writes)),
            Self.allow("file-write*", Self.folders(row.writes)),
            groups.contains(CallGroup.dialling.name) ? Self.dialling : nil,
        ]
        text = (Self.beginning + rules.compactMap(\.self)).joined(separator: "\n")
    }

    /// Nothing is granted but to look at oneself; a rule that is not there is a refusal.
    private static let beginning = [
        "(version 1)", "(deny default)", "(allow process-info* (target self))", "(allow signal (target self))",
        "(allow sysctl-read)",
    ]

    /// TCP to anywhere, and whoever resolves names on that system.
    private static let dialling =
        #"(allow network-outbound (remote tcp "*:*") (remote udp "*:53") (literal "/private/var/run/mDNSResponder"))"#

    private static func allow(_ operation: String, _ folders: [String]) -> String? {
        folders.isEmpty ? nil : "(allow \(operation) \(folders.joined(separator: " ")))"
    }

    /// Folders with a standard place, and those that the caller names as parameters.
    private static func folders(_ purposes: [Purpose]) -> [String] {
        purposes.flatMap { purpose in
            purpose.standardPaths.isEmpty
                ? [#"(subpath (param "\#(purpose.rawValue)"))"#]
                : purpose.sandboxPaths.map { #"(subpath "\#($0)")"# }
        }
    }
}

extension Purpose {
    /// Where it lies on macOS, behind its links, which a profile does not follow.
    fileprivate var sandboxPaths: [String] {
        switch self {
        // There is no /proc; what the runtime asks of its threads, it asks the kernel.
        case .archive, .ownFolder, .idMaps, .ownProgram, .threadStates: []
        case .randomness: ["/dev/urandom"]
        case .timeZone: ["/private/etc/localtime", "/private/var/db/timezone", "/usr/share/zoneinfo"]
        case .trustRoots: ["/private/etc/ssl", "/System/Library/Keychains"]
        case .nameResolution: ["/private/etc/hosts", "/private/etc/resolv.conf", "/private/var/run/resolv.conf"]
        }
    }
}
