import Foundation
import Inference
import TestSupport
import Testing

@testable import Catalogue

struct CatalogueTests {
    private let home: FakeHome

    init() throws { home = try FakeHome() }

    private func search(_ more: [String: String] = [:], folders: [String] = []) -> Findings {
        Catalogue(environment: home.environment.merging(more) { $1 }, folders: folders).search()
    }

    @Test func `each of the six stores gives its model under its own name, with the digest that it promises`() throws {
        try home.fillStores()
        let found = search()
        #expect(
            found.models.map(\.id) == [
                "ollama:tiny:1b", "huggingface:org/tiny-GGUF/tiny.Q8_0", "llama.cpp:org_tiny",
                "lmstudio:org/tiny/tiny-f32", "jan:org/tiny", "gpt4all:tiny",
            ])
        #expect(found.models.map { $0.promisedDigest != nil } == [true, true, false, false, true, false])
        #expect(found.skipped.isEmpty)
        for model in found.models {
            #expect(try model.open().inspect().obstacles.isEmpty)
            #expect(model.promisedDigest == nil || model.promisedDigest == home.digest)
        }
    }

    @Test func `nothing of a store is changed by looking at it`() throws {
        try home.fillStores()
        func state() throws -> [String] {
            try FileManager.default.subpathsOfDirectory(atPath: home.url.path).sorted().map { place in
                let attributes = try FileManager.default.attributesOfItem(atPath: home.url.appending(path: place).path)
                return "\(place) \(attributes[.modificationDate] ?? "") \(attributes[.posixPermissions] ?? "")"
            }
        }
        let before = try state()
        for model in search().models { _ = try model.open().inspect() }
        #expect(try state() == before)
    }

    @Test func `the stores' own variables move them, and a named folder is searched three levels deep`() throws {
        try home.write("elsewhere/ollama/manifests/registry.ollama.ai/someone/tiny/latest", "x")
        try home.write("elsewhere/cache/flat.gguf")
        try home.write("elsewhere/lm/models/a/b/c.gguf")
        try home.write(".lmstudio-home-pointer", home.url.path + "/elsewhere/lm\n")
        try home.write("mine/a/b/c/deep.gguf")
        try home.write("mine/a/b/c/d/deeper.gguf")
        let at = home.url.path + "/elsewhere"
        let found = search(
            ["OLLAMA_MODELS": at + "/ollama", "LLAMA_CACHE": at + "/cache"], folders: [home.url.path + "/mine"])
        #expect(found.models.map(\.id) == ["folder:deep", "llama.cpp:flat", "lmstudio:a/b/c"])
        #expect(found.skipped.map(\.place) == ["manifests/registry.ollama.ai/someone/tiny/latest"])
    }

    @Test func `hostile entries are passed over with a reason, and never followed outside`() throws {
        try home.write("secret.gguf")
        try home.manifest("registry.ollama.ai/library/climb/a", digest: "sha256:../../../secret.gguf")
        try home.manifest("registry.ollama.ai/library/short/a", digest: "sha256:abc")
        try home.manifest("registry.ollama.ai/library/gone/a", digest: "sha256:" + String(repeating: "b", count: 64))
        try home.write(".ollama/models/manifests/registry.ollama.ai/library/big/a", Data(count: 2 << 20))
        try home.write(
            ".ollama/models/manifests/registry.ollama.ai/library/nested/a", String(repeating: "[", count: 90_000))
        try home.link(".lmstudio/models/org/out/secret.gguf", to: home.url.path + "/secret.gguf")
        try home.link(".lmstudio/models/org/loop", to: "..")
        let commit = String(repeating: "c", count: 40)
        try home.write(".cache/huggingface/hub/models--a--b/refs/main", commit)
        try home.link(".cache/huggingface/hub/models--a--b/snapshots/\(commit)/x.gguf", to: "/etc/hostname")
        try home.write(".cache/huggingface/hub/models--a--c/refs/main", "../../../../../../etc")
        try home.write(
            ".local/share/Jan/data/llamacpp/models/up/model.yml", "model_path: ../../../../secret.gguf\n")
        try home.write(".local/share/Jan/data/llamacpp/models/none/model.yml", "model_path: /etc/passwd\n")
        try home.write(".cache/llama.cpp/big-00001-of-00003.gguf")
        try home.write(".cache/llama.cpp/big-00002-of-00003.gguf")
        #expect(mkfifo(home.url.path + "/.cache/llama.cpp/pipe.gguf", 0o600) == 0)
        try home.write(".cache/llama.cpp/folder.gguf/inner.txt", "x")
        let found = search()
        #expect(found.models.isEmpty)
        let skipped = Dictionary(grouping: found.skipped, by: \.store).mapValues { $0.map(\.place).sorted() }
        #expect(skipped[.ollama]?.count == 5)
        #expect(skipped[.huggingFace] == ["models--a--b/snapshots/\(commit)/x.gguf"])
        #expect(skipped[.jan]?.count == 2)
        #expect(skipped[.llamaCpp] == ["big-00001-of-00003.gguf"])
        #expect(found.skipped.allSatisfy { !$0.reason.isEmpty })
    }

    @Test func `a name is found whole, by its last part or without its tag, and never guessed`() throws {
        try home.fillStores()
        try home.manifest("registry.ollama.ai/library/other/latest", digest: "sha256:\(home.digest)")
        try home.write(".lmstudio/models/org/two/tiny-f32.gguf")
        let catalogue = Catalogue(environment: home.environment)
        #expect(try catalogue.model(named: "tiny:1b").store == .ollama)
        #expect(try catalogue.model(named: "gpt4all:tiny").store == .gpt4All)
        #expect(try catalogue.model(named: "tiny.Q8_0").store == .huggingFace)
        #expect(
            throws: CatalogueError.ambiguous("tiny-f32", ["lmstudio:org/tiny/tiny-f32", "lmstudio:org/two/tiny-f32"])
        ) {
            try catalogue.model(named: "tiny-f32")
        }
        #expect(throws: CatalogueError.notFound("q8", near: ["huggingface:org/tiny-GGUF/tiny.Q8_0"])) {
            try catalogue.model(named: "q8")
        }
    }

    @Test func `what does not run says everything that is missing`() throws {
        var writer = TinyModel.writer()
        writer.set("general.architecture", .text("mamba"))
        writer.set("tokenizer.ggml.pre", .text("of-its-own"))
        writer.set("general.license", .text("apache-2.0"))
        writer.tensors.append(.init("x", [256], type: 10, data: [UInt8](repeating: 0, count: 84)))
        try home.write("mine/odd.gguf", Data(writer.bytes()))
        let model = try #require(search(folders: [home.url.path + "/mine"]).models.first)
        let inspection = try model.open().inspect()
        #expect(
            inspection.obstacles == [
                .unsupportedTensorType(10), .unsupportedArchitecture("mamba"), .unsupportedTokenizer("of-its-own"),
            ])
        #expect(inspection.licence == "apache-2.0" && inspection.architecture == "mamba")
    }
}
