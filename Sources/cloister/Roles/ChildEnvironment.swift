import Confinement
import Glibc

/// What a process of ours is started with: our own environment, nothing at all for the courier, and for some roles what its memory allocator shall do.
///
/// An engine, the endpoints and a relay go on after a person has locked, so what was said must not stay in memory that they
/// freed: the C library overwrites it (`mallopt(3)`, `M_PERTURB`) and keeps no short list of freed blocks, which it does
/// not overwrite. Copies that arrays and messages leave behind are covered too. A cell needs none of this: its end is
/// the wipe.
final class ChildEnvironment {
    private static let variable = "GLIBC_TUNABLES"
    /// Roles whose processes outlive what a person tells them.
    private static let overwriting: Set<Role> = [.engine, .endpoints, .relay]

    /// As `execve` wants it: ended by nil.
    let pointers: [UnsafeMutablePointer<CChar>?]

    init(of role: Role) {
        var words: [String] = []
        // Nothing of ours reaches the one that dials: no proxy, no option of a resolver.
        var entry = environ
        while role != .courier, let word = entry.pointee {
            words.append(String(cString: word))
            entry += 1
        }
        if Self.overwriting.contains(role) {
            words.removeAll { $0.hasPrefix(Self.variable + "=") }
            words.append(Self.variable + "=glibc.malloc.perturb=165:glibc.malloc.tcache_count=0")
        }
        if role == .courier { words = ["SWIFT_BACKTRACE=enable=no"] }
        pointers = words.map { strdup($0) } + [nil]
    }

    deinit { for pointer in pointers { free(pointer) } }
}
