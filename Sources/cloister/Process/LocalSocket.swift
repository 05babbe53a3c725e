import Archive
import Glibc

/// The socket in the data directory over which the command line talks to a running server.
enum LocalSocket {
    private static let name = "cloister.sock"

    /// Removes what a crashed server left behind; the directory's lock is ours.
    static func prepare(in directory: String) throws -> String {
        let path = directory + "/" + name
        guard path.utf8.count < 104 else {
            throw UserError(
                "the data directory's path is too long for a local socket (\(path.utf8.count) bytes, 103 fit)")
        }
        unlink(path)
        return path
    }

    static func path(in directory: String) -> String { directory + "/" + name }
}
