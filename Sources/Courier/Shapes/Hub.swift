import AsyncHTTPClient
import NIOHTTP1
import References
import References

/// A registry in the shape of the Hugging Face hub: a listing of files, and for each large one a head that says its
/// SHA-256 before it sends on to where the content lies.
struct Hub: Sendable {
    struct Entry: Decodable, Sendable {
        struct Large: Decodable, Sendable { let oid: String }

        let type: String
        let path: String
        let lfs: Large?
    }

    /// *Our choice*: what a person can look through.
    private static let namesShown = 20
    let door: Door

    func announce(
        _ reference: ModelReference, _ repository: String, _ revision: String, _ choice: ModelReference.Choice
    ) async throws -> Announcement {
        var (file, listed) = ("", String?.none)
        if case .file(let named) = choice {
            file = named
        } else {
            let entries: [Entry] = try await door.json(
                "/api/models/\(repository)/tree/\(revision)?recursive=true", accept: "application/json",
                limit: door.limits.listing)
            let entry = try Self.choose(choice, entries)
            (file, listed) = (entry.path, entry.lfs?.oid)
        }
        let start = try WebAddress(door.registry.origin, "/\(repository)/resolve/\(revision)/\(file)")
        let origin = door.registry.origin
        let head = try await door.follow(.HEAD, start, isFinal: { $0.contains(name: "x-linked-etag") }) { response in
            try Self.head(response.headers, Int(response.status.code), origin)
        }
        guard listed.map({ $0 == head.digest }) ?? true else {
            throw CourierError.refusedAnswer(door.registry.origin, .promise)
        }
        // The commit, so that a branch that moves meanwhile does not matter.
        return Announcement(
            reference: reference.description, file: file, digest: head.digest, byteCount: head.byteCount,
            path: "/\(repository)/resolve/\(head.commit ?? revision)/\(file)")
    }

    struct Head: Sendable, Equatable {
        let digest: String
        let byteCount: Int
        let commit: String?
    }

    /// The linked file's tag and size, or the answer's own where it sends nobody on.
    static func head(_ headers: HTTPHeaders, _ status: Int, _ origin: Origin) throws(CourierError) -> Head {
        let linked = try headers.single("x-linked-etag", of: origin)
        guard status == 200 || (linked != nil && (300..<400).contains(status)) else {
            throw .refusedAnswer(origin, .status(status))
        }
        let ownTag = try headers.single("etag", of: origin)
        let tag = linked ?? ownTag
        let ownLength = status == 200 ? try headers.single("content-length", of: origin) : nil
        let linkedLength = try headers.single("x-linked-size", of: origin)
        let length = linkedLength ?? ownLength
        guard let digest = tag.flatMap(Promise.digest), let count = length.flatMap({ Promise.count($0) }), count > 0
        else { throw .refusedAnswer(origin, .promise) }
        let commit = try headers.single("x-repo-commit", of: origin)
        let isCommit =
            commit?.utf8.count == 40 && commit?.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) } == true
        return Head(digest: digest, byteCount: count, commit: isCommit ? commit : nil)
    }

    /// The one model file that is meant.
    static func choose(_ choice: ModelReference.Choice, _ entries: [Entry]) throws(CourierError) -> Entry {
        let models = entries.filter { entry in
            entry.type == "file" && entry.lfs != nil && ModelReference.isModelFile(entry.path)
                && !entry.path.contains("-of-") && !entry.path.lowercased().contains("mmproj")
        }
        func having(_ part: String) -> [Entry] { models.filter { $0.path.lowercased().contains(part.lowercased()) } }
        let found =
            switch choice {
            case .standard: models.count == 1 ? models : having("q4_k_m")
            case .type(let type): having(type)
            case .file(let file): models.filter { $0.path == file }
            }
        guard let entry = found.first, found.count == 1 else {
            let names = (found.isEmpty ? models : found).map(\.path)
            throw .ambiguous(Array(names.sorted().prefix(namesShown)))
        }
        return entry
    }
}
