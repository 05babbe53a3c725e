import Testing

@testable import Courier
@testable import References

/// Models' names, and the setting that says where they come from.
struct ReferenceTests {
    @Test(arguments: [
        "hub=https://models.example", "ollama=http://127.0.0.1:5000", "hub=https://models.example:8443[10.0.0.5]",
        "hub=https://models.example[fd00::1]+https://files.example+https://[2003::1]",
    ])
    func `a registry is said as it was configured`(setting: String) throws {
        let registry = try #require(try Registry.list(setting).first)
        #expect(registry.setting == setting)
        #expect(try Registry.list(registry.setting) == [registry])
    }

    @Test func `the registry of a model is the one of its shape`() throws {
        let registries = try Registry.list("hub=https://models.example,ollama=https://other.example")
        #expect(try ModelReference("ollama:tiny").registry(in: registries) == registries[1])
        #expect(throws: CourierError.self) { try ModelReference("ollama:tiny").registry(in: [registries[0]]) }
    }

    @Test(arguments: [
        ("hub:org/repo", "hub:org/repo", "repo"),
        ("hub:org/repo@v1.0/q/a-Q4.gguf", "hub:org/repo@v1.0/q/a-Q4.gguf", "a-Q4"),
        ("hub:org/repo@main/A+b.GGUF", "hub:org/repo/A+b.GGUF", "A-b"),
        ("hub:org/repo:Q4_K_M", "hub:org/repo:Q4_K_M", "repo:Q4_K_M"),
        ("ollama:llama3.2", "ollama:library/llama3.2:latest", "llama3.2-latest"),
        ("ollama:some/tiny:1b", "ollama:some/tiny:1b", "some-tiny-1b"),
    ])
    func `names are read and written`(text: String, whole: String, short: String) throws {
        let reference = try ModelReference(text)
        #expect(reference.description == whole)
        #expect(try ModelReference(whole) == reference)
        if case .hub(_, _, .file(let file)) = reference.place { #expect(reference.shortName(file) == short) }
        if case .ollama = reference.place { #expect(reference.shortName(nil) == short) }
    }

    @Test(arguments: [
        "", "hub", "hub:", "hub:a", "hub:a/", "hub:/b", "hub:a//b", "hub:a/b/", "hub:a/b/c", "hub:a/b/c.bin",
        "hub:a/b@/c.gguf",
        "hub:../b", "hub:a/..", "hub:a/b/../c.gguf", "hub:a/b/.c.gguf", "hub:a/b/c d.gguf", "hub:a/b/c.gguf:Q4",
        "hub:a/b:Q4:K", "hub:a/b:",
        "hub:a/b@x@y", "hub:a/b?c.gguf", "hub:a/b#c.gguf", "hub:a/b%2e.gguf", "hub:ä/b", "hub:a/b\n", "ollama:",
        "ollama:a/b/c",
        "ollama:a:b:c", "ollama:-a", "ollama:a:", "https://models.example/a", "HUB:a/b",
        "ollama:" + String(repeating: "a", count: 121),
    ])
    func `what is no name is refused`(text: String) {
        #expect(throws: MisspelledReference.self) { try ModelReference(text) }
    }

    @Test func `the setting is read`() throws {
        let list = try Registry.list(
            "hub=https://models.example+https://cdn.example:8443, ollama=http://127.0.0.1:5000")
        #expect(list.map(\.shape) == [.hub, .ollama])
        #expect(list[0].peers.map(\.origin.description) == ["https://models.example", "https://cdn.example:8443"])
        #expect(list[0].peers.map(\.address) == [nil, nil] && list[1].peers[0].address == NetworkAddress("127.0.0.1"))
        let pinned = try Registry.list("hub=https://models.example:8443[fd00::1]+https://[fd00::2]")
        #expect(pinned[0].peers.map(\.address) == [NetworkAddress("fd00::1"), NetworkAddress("fd00::2")])
        #expect(try Registry.list("").isEmpty)
    }

    @Test(arguments: [
        ("models.example", CourierError.badSetting(.form)), ("hub=", .badSetting(.form)),
        ("hf=https://a.example", .badSetting(.shape)),
        ("hub=https://a.example,hub=https://b.example", .badSetting(.twice)),
        ("hub=http://models.example", .badSetting(.clear)),
        ("hub=http://8.8.8.8", .badSetting(.clear)), ("hub=http://a.example[8.8.8.8]", .badSetting(.clear)),
        ("hub=https://a.example[b.example]", .badSetting(.form)),
        ("hub=https://127.0.0.1[127.0.0.1]", .badSetting(.form)),
        ("hub=https://169.254.169.254", .badSetting(.address)),
        ("hub=https://a.example[0.0.0.0]", .badSetting(.address)),
        ("hub=https://[::ffff:10.0.0.1]", .badSetting(.address)), ("hub=https://[fe80::1]", .badSetting(.address)),
        ("hub=https://a.example/", .badAddress(.host)), ("hub=https://a.example+", .badAddress(.scheme)),
        ("hub=https://u@a.example", .badAddress(.user)), ("hub=ftp://a.example", .badAddress(.scheme)),
        ("hub=" + [String](repeating: "https://a.example", count: 17).joined(separator: "+"), .badSetting(.tooMany)),
    ])
    func `a setting that cannot be meant is refused`(setting: String, error: CourierError) {
        #expect(throws: error) { try Registry.list(setting) }
    }

    @Test func `the model file of a repository is chosen`() throws {
        func entry(_ path: String, large: Bool = true) -> Hub.Entry {
            Hub.Entry(type: "file", path: path, lfs: large ? .init(oid: String(repeating: "a", count: 64)) : nil)
        }
        let two = ["b-Q8_0.gguf", "a-q4_k_m.gguf", "README.md", "mmproj-x.gguf", "c-00001-of-00002.gguf", "../up.gguf"]
            .map { entry($0) }
        #expect(try Hub.choose(.standard, two).path == "a-q4_k_m.gguf")
        #expect(try Hub.choose(.type("q8_0"), two).path == "b-Q8_0.gguf")
        #expect(try Hub.choose(.standard, [entry("only.gguf"), entry("small.gguf", large: false)]).path == "only.gguf")
        #expect(throws: CourierError.ambiguous(["a-q4_k_m.gguf", "b-Q8_0.gguf"])) { try Hub.choose(.type("f16"), two) }
        #expect(throws: CourierError.ambiguous([])) { try Hub.choose(.standard, []) }
    }
}
