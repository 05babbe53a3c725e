import Foundation
import Glibc

/// What whoever runs this machine decided for everybody on it: `/etc/cloister/policy.json`.
///
/// Policies are joined and the strictest word of all holds, so a further one can only take away. One that is there and
/// cannot be read, trusted or understood stops the start: it may say what nobody would notice otherwise.
struct Policy: Equatable {
    static let systemPath = "/etc/cloister/policy.json"
    /// A further policy, for whoever wants to bind themselves, and for tests.
    static let furtherVariable = "CLOISTER_POLICY"
    private static let keys = ["air-gap"]
    private static let limit = 65_536

    /// Whether nothing may be fetched.
    var isAirGapped = false

    /// The system's policy, and with it the one that the environment names.
    /// - Throws: `UserError`.
    static func read(environment: [String: String], systemPath: String = systemPath) throws -> Policy {
        let system = try read(systemPath, owners: [0]) ?? Policy()
        guard let path = environment[furtherVariable] else { return system }
        guard let further = try read(path, owners: [0, geteuid()]) else {
            throw UserError("\(furtherVariable): there is no policy at \(path)")
        }
        return Policy(isAirGapped: system.isAirGapped || further.isAirGapped)
    }

    /// - Returns: nil if there is no such file.
    private static func read(_ path: String, owners: Set<uid_t>) throws -> Policy? {
        func refused(_ why: String) -> UserError { UserError("the policy \(path) is refused: \(why)") }
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { throw refused("it cannot be read (error \(errno))") }
            return nil
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw refused("it is no regular file")
        }
        guard owners.contains(status.st_uid) else { throw refused("it belongs to somebody else") }
        guard status.st_mode & 0o022 == 0 else { throw refused("others may write it") }
        if let fault = faultOfFolder(of: path, owners) { throw refused(fault) }
        let data =
            try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).read(upToCount: limit + 1) ?? Data()
        guard let data, data.count <= limit else { throw refused("it is too large") }
        do { return try Policy(data) } catch { throw refused(error.description) }
    }

    /// Whoever may write the folder may put another file in its place.
    private static func faultOfFolder(of path: String, _ owners: Set<uid_t>) -> String? {
        var status = stat()
        let folder = URL(filePath: path).deletingLastPathComponent().path
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            return "its folder is a link, or cannot be looked at"
        }
        guard owners.contains(status.st_uid) else { return "its folder belongs to somebody else" }
        return status.st_mode & 0o022 == 0 ? nil : "others may write its folder"
    }

    private init(isAirGapped: Bool = false) { self.isAirGapped = isAirGapped }

    /// `{"air-gap": true}`, and nothing that it does not know.
    private init(_ data: Data) throws(UserError) {
        guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw UserError("it is not a JSON object")
        }
        if let foreign = object.keys.sorted().first(where: { !Self.keys.contains($0) }) {
            throw UserError("unknown key \"\(foreign)\"")
        }
        struct Content: Decodable {
            enum CodingKeys: String, CodingKey { case airGap = "air-gap" }
            let airGap: Bool?
        }
        guard !(object["air-gap"] is NSNull), let content = try? JSONDecoder().decode(Content.self, from: data)
        else { throw UserError("\"air-gap\" must be true or false") }
        isAirGapped = content.airGap ?? false
    }
}
