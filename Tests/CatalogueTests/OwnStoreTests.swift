import Foundation
import Inference
import Testing

@testable import Catalogue

struct OwnStoreTests {
    private let home: FakeHome
    private let store: OwnStore

    init() throws {
        home = try FakeHome()
        store = OwnStore(in: home.url.path)
    }

    private func add(_ name: String = "tiny") throws -> FoundModel {
        try store.add(home.url.path + "/model", as: name) { _, _ in }
    }

    @Test func `a model is copied, checked, private and found, and removed again`() throws {
        var progress: [Int] = []
        let model = try store.add(home.url.path + "/model", as: "tiny") { done, all in progress.append(done * 100 / all)
        }
        #expect(progress.last == 100)
        #expect(try Data(contentsOf: URL(filePath: model.path)) == home.model)
        let mode = try FileManager.default.attributesOfItem(atPath: model.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(store.memory().digests["cloister:tiny"] == home.digest)
        let catalogue = Catalogue(environment: home.environment, own: store.path)
        #expect(catalogue.search().models == [model])
        try store.change { $0.standard = model.id }
        try store.remove(model)
        #expect(catalogue.search().models.isEmpty && store.memory() == OwnStore.Memory())
    }

    @Test func `names that are no file names, names that are taken and files that are no models are refused`() throws {
        for name in ["", ".hidden", "../up", "a/b", "a b", "ä", "-rf", "_x"] {
            #expect(throws: CatalogueError.badName) { try add(name) }
        }
        _ = try add()
        #expect(throws: CatalogueError.exists("tiny")) { try add() }
        try home.write("text", "hello")
        #expect(throws: InferenceError.notGGUF) { try store.add(home.url.path + "/text", as: "text") { _, _ in } }
        let left = try FileManager.default.contentsOfDirectory(atPath: store.path).sorted()
        #expect(left == ["lock", "models.json", "tiny.gguf"])
    }

    @Test func `what arrives is read back, and kept only if it is what was announced`() throws {
        let announced = String(repeating: "0", count: 64)
        for (digest, isRight) in [(announced, false), (home.digest, true)] {
            let arrival = try store.arrival(of: digest)
            defer { store.leave(arrival) }
            try FileHandle(fileDescriptor: arrival.descriptor).write(contentsOf: home.model)
            let settle = { try store.settle(arrival, as: "tiny", from: "ollama:library/tiny:1b", replacing: false) }
            if isRight {
                #expect(try settle().name == "tiny")
            } else {
                #expect(throws: CatalogueError.copyDiffers) { try settle() }
            }
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: store.path).sorted()
        #expect(left == ["lock", "models.json", "tiny.gguf"])
        #expect(store.memory().sources == ["ollama:library/tiny:1b": home.digest])
    }

    @Test func `of a model and what is remembered of it there are both or neither`() throws {
        let blocked = store.path + "/.models.json.new/full"
        try FileManager.default.createDirectory(atPath: blocked, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: store.path)
        #expect(throws: CatalogueError.cannotWrite(code: EEXIST)) { try add() }
        #expect(access(store.path + "/tiny.gguf", F_OK) != 0 && store.memory() == OwnStore.Memory())
        try FileManager.default.removeItem(atPath: store.path + "/.models.json.new")

        _ = try add("other")
        let before = store.memory()
        try FileManager.default.createDirectory(
            atPath: store.path + "/tiny.gguf/full", withIntermediateDirectories: true)
        let arrival = try store.arrival(of: home.digest)
        defer { store.leave(arrival) }
        try FileHandle(fileDescriptor: arrival.descriptor).write(contentsOf: home.model)
        #expect(throws: CatalogueError.cannotWrite(code: EISDIR)) {
            try store.settle(arrival, as: "tiny", from: "ollama:library/tiny:1b", replacing: true)
        }
        #expect(store.memory() == before)
    }

    @Test func `a file that changed silently is refused`() throws {
        let model = try add()
        #expect(try model.verify(model.open(), in: store) == home.digest)
        var bytes = home.model
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(filePath: model.path))
        #expect(throws: CatalogueError.changed("cloister:tiny")) { _ = try model.verify(model.open(), in: store) }
    }

    @Test func `a blob that is not what its name says is refused at first use`() throws {
        try home.manifest("registry.ollama.ai/library/tiny/1b", digest: "sha256:" + String(repeating: "0", count: 64))
        try home.write(".ollama/models/blobs/sha256-" + String(repeating: "0", count: 64))
        let model = try #require(Catalogue(environment: home.environment).search().models.first)
        #expect(throws: CatalogueError.changed("ollama:tiny:1b")) { _ = try model.verify(model.open(), in: store) }
        #expect(store.memory().digests.isEmpty)
    }

    @Test func `the digest of the first use is remembered`() throws {
        try home.write(".cache/llama.cpp/flat.gguf")
        let model = try #require(Catalogue(environment: home.environment).search().models.first)
        _ = try model.verify(model.open(), in: store)
        #expect(store.memory().digests == ["llama.cpp:flat": home.digest])
        try home.write(".cache/llama.cpp/flat.gguf", home.model + [0])
        #expect(throws: CatalogueError.changed("llama.cpp:flat")) { _ = try model.verify(model.open(), in: store) }
    }

    @Test func `a memory that cannot be read is not taken for none`() throws {
        try home.write(".cache/llama.cpp/flat.gguf")
        let model = try #require(Catalogue(environment: home.environment).search().models.first)
        _ = try model.verify(model.open(), in: store)
        let file = store.path + "/models.json"
        try Data("{".utf8).write(to: URL(filePath: file))
        #expect(throws: CatalogueError.damagedMemory(file)) { _ = try model.verify(model.open(), in: store) }
        #expect(throws: CatalogueError.damagedMemory(file)) { try store.change { $0.standard = "x" } }
    }
}
