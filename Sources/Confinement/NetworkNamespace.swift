import CPlatform
import Foundation

/// Which network a process has, as its kernel tells it in `/proc/self`.
public struct NetworkNamespace: Codable, Equatable, Sendable {
    /// The namespace: `net:[4026531840]`; empty if the kernel did not say.
    public let name: String
    /// What is in it; a new one has `lo`, which is down.
    public let interfaces: [String]
    /// The kernel's refusal, as in `EPERM`, if an empty one was wanted; nil: there was none.
    public let refusal: String?

    /// The calling process's.
    public static var own: NetworkNamespace { NetworkNamespace(refusal: nil) }

    /// Moves the calling process for good into a network of its own in which nothing is.
    ///
    /// Call before the first `await`, while there is one thread. Sockets that it has already stay where they were made.
    /// Where the kernel refuses (no user namespaces for everybody), nothing else is lost: the filter of system calls does
    /// not rest on it.
    public static func empty() -> NetworkNamespace {
        let result = cp_empty_network()
        return NetworkNamespace(refusal: result < 0 ? String(cString: cp_error_name(-result)) : nil)
    }

    private init(refusal: String?) {
        name = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")) ?? ""
        let table = (try? String(contentsOfFile: "/proc/self/net/dev", encoding: .utf8)) ?? ""
        interfaces = Self.interfaces(in: table)
        self.refusal = refusal
    }

    /// `    lo:       0       0 …` after two lines of headings.
    static func interfaces(in table: String) -> [String] {
        table.split(separator: "\n").dropFirst(2).compactMap { line in
            line.split(separator: ":").first.map { $0.filter { $0 != " " } }
        }
    }
}
