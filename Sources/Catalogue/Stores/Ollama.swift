import Foundation

/// Ollama: `manifests/<host>/<namespace>/<model>/<tag>` names blobs `blobs/sha256-<64 hex>`; the blob of the media type
/// `…image.model` is a GGUF file, and its name is its SHA-256.
enum Ollama {
    private struct Manifest: Decodable {
        struct Layer: Decodable {
            let mediaType: String
            let digest: String
        }
        let layers: [Layer]
    }

    private static let modelType = "application/vnd.ollama.image.model"

    static func search(_ folder: StoreFolder, _ findings: inout Findings) {
        for host in folder.names(in: "manifests") {
            for place in folder.files(below: "manifests/\(host)", depth: 2, where: { _ in true }) {
                read(place, folder, &findings)
            }
        }
    }

    private static func read(_ place: String, _ folder: StoreFolder, _ findings: inout Findings) {
        guard let data = folder.read(place), let manifest = try? JSONDecoder().decode(Manifest.self, from: data) else {
            return folder.skip(place, "the manifest cannot be read", in: &findings)
        }
        let models = manifest.layers.filter { $0.mediaType == modelType }
        guard let layer = models.first, models.count == 1 else {
            return folder.skip(place, "the manifest names \(models.count) model files, not one", in: &findings)
        }
        guard let digest = hexadecimal(layer.digest) else {
            return folder.skip(place, "the manifest names a blob that is no SHA-256", in: &findings)
        }
        folder.offer("blobs/sha256-\(digest)", as: name(of: place), promised: digest, to: &findings)
    }

    /// The 64 digits of `sha256:…`; anything else could be a path.
    private static func hexadecimal(_ digest: String) -> String? {
        guard digest.hasPrefix("sha256:"), digest.utf8.count == 71 else { return nil }
        let digits = digest.dropFirst(7)
        return digits.allSatisfy { "0123456789abcdef".contains($0) } ? String(digits) : nil
    }

    /// `manifests/registry.ollama.ai/library/llama3.2/latest` is called `llama3.2:latest`.
    private static func name(of place: String) -> String {
        var parts = place.split(separator: "/").dropFirst()
        if parts.first == "registry.ollama.ai" { parts = parts.dropFirst() }
        if parts.count == 3, parts.first == "library" { parts = parts.dropFirst() }
        return parts.dropLast().joined(separator: "/") + ":" + (parts.last ?? "")
    }
}
