import References
import References

/// A registry in Ollama's shape, which is OCI's: a manifest by tag, and blobs by digest.
///
/// Takes the model's weights; templates, system texts and parameters of the manifest are left where they are.
struct Ollama: Sendable {
    struct Manifest: Decodable, Sendable {
        struct Layer: Decodable, Sendable {
            let mediaType: String
            let digest: String
            let size: Int
        }

        let layers: [Layer]
    }

    private static let accepted =
        "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
    let door: Door

    func announce(_ reference: ModelReference, _ path: String, _ tag: String) async throws -> Announcement {
        let manifest: Manifest = try await door.json(
            "/v2/\(path)/manifests/\(tag)", accept: Self.accepted, limit: door.limits.manifest)
        return try Self.announcement(reference, path, manifest, door.registry.origin)
    }

    static func announcement(_ reference: ModelReference, _ path: String, _ manifest: Manifest, _ origin: Origin)
        throws(CourierError) -> Announcement
    {
        let layers = manifest.layers.filter { $0.mediaType == "application/vnd.ollama.image.model" }
        guard let layer = layers.first, layers.count == 1 else { throw .refusedAnswer(origin, .form) }
        guard layer.digest.hasPrefix("sha256:"), let digest = Promise.digest(layer.digest), layer.size > 0 else {
            throw .refusedAnswer(origin, .promise)
        }
        return Announcement(
            reference: reference.description, file: nil, digest: digest, byteCount: layer.size,
            path: "/v2/\(path)/blobs/sha256:\(digest)")
    }
}
