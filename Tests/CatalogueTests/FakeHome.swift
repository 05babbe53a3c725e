import Foundation
import TestSupport

/// A home with the stores of other programs in it, removed with its owner.
final class FakeHome {
    let url = FileManager.default.temporaryDirectory.appending(path: "cloister-home-\(UUID().uuidString)")
    /// A model file.
    let model = Data(TinyModel.writer().bytes())
    /// Its SHA-256, as `sha256sum` says.
    let digest: String

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        try model.write(to: url.appending(path: "model"))
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/sha256sum")
        process.arguments = [url.appending(path: "model").path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        digest = String(decoding: output.fileHandleForReading.readDataToEndOfFile().prefix(64), as: UTF8.self)
        process.waitUntilExit()
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    var environment: [String: String] { ["HOME": url.path] }

    func write(_ place: String, _ data: Data? = nil) throws {
        let file = url.appending(path: place)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try (data ?? model).write(to: file)
    }

    func write(_ place: String, _ text: String) throws { try write(place, Data(text.utf8)) }

    func link(_ place: String, to target: String) throws {
        let file = url.appending(path: place)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: target)
    }

    /// Ollama's manifest of a model layer.
    func manifest(_ place: String, digest: String) throws {
        try write(
            ".ollama/models/manifests/\(place)",
            """
            {"schemaVersion":2,"config":{"digest":"sha256:00","size":1},
             "layers":[{"mediaType":"application/vnd.ollama.image.license","digest":"sha256:11","size":2},
                       {"mediaType":"application/vnd.ollama.image.model","digest":"\(digest)","size":\(model.count)}]}
            """)
    }

    /// One model in each of the six stores.
    func fillStores() throws {
        try manifest("registry.ollama.ai/library/tiny/1b", digest: "sha256:\(digest)")
        try write(".ollama/models/blobs/sha256-\(digest)")
        let commit = String(repeating: "a", count: 40)
        let repository = ".cache/huggingface/hub/models--org--tiny-GGUF"
        try write("\(repository)/refs/main", commit)
        try write("\(repository)/blobs/\(digest)")
        try link("\(repository)/snapshots/\(commit)/tiny.Q8_0.gguf", to: "../../blobs/\(digest)")
        try write(".cache/llama.cpp/org_tiny.gguf")
        try write(".lmstudio/models/org/tiny/tiny-f32.gguf")
        try write(
            ".local/share/Jan/data/llamacpp/models/org/tiny/model.yml",
            "name: tiny\nmodel_path: llamacpp/models/org/tiny/model.gguf\nmodel_sha256: \"\(digest)\"\nsize_bytes: 1\n")
        try write(".local/share/Jan/data/llamacpp/models/org/tiny/model.gguf")
        try write(".local/share/nomic.ai/GPT4All/tiny.gguf")
    }
}
