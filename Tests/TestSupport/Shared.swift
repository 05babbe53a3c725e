public import Foundation

/// The folder of published vectors and small weights that lies beside the repository on some machines.
///
/// Tests that read it are skipped, by name, elsewhere.
public enum Shared {
    /// `$CLOISTER_SHARED`, or `../shared` beside the repository.
    public static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["CLOISTER_SHARED"] { return URL(filePath: path) }
        return repository.deletingLastPathComponent().appending(path: "shared")
    }()

    /// The repository's root.
    public static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Whether the folder is there.
    public static var isPresent: Bool { FileManager.default.fileExists(atPath: folder.path) }

    /// One of its files.
    public static func data(_ path: String) throws -> Data { try Data(contentsOf: folder.appending(path: path)) }
}
