import TestSupport
import Testing

@testable import Inference

struct ModelFileTests {
    private func open(_ writer: GGUFWriter) throws(InferenceError) -> ModelFile {
        try ModelFile(bytes: TinyModel.pinned(writer.bytes()), name: "tiny")
    }

    @Test(arguments: [UInt32(2), 3])
    func `a file of version 2 or 3 tells what it is`(version: UInt32) throws {
        var writer = TinyModel.writer()
        writer.version = version
        let file = try open(writer)
        #expect(file.architecture == "llama" && file.quantisation == "F32" && file.trainedContextLength == 128)
        #expect(file.parameterCount == TinyModel.vocabularySize * 32 + 32 + 2 * (2 * 32 + 32 * 32 * 3 + 32 * 64 * 3))
        #expect(file.metadataString("tokenizer.ggml.model") == "gpt2")
        #expect(file.metadataString("no.such.key") == nil)
        _ = try Engine(file: file, options: .init(threads: 1))
    }

    @Test(arguments: [UInt32(0), 1, 4, .max])
    func `another version is refused`(version: UInt32) {
        var writer = TinyModel.writer()
        writer.version = version
        #expect(throws: InferenceError.notGGUF) { _ = try open(writer) }
    }

    @Test func `a file cut short anywhere is refused`() throws {
        let bytes = TinyModel.writer().bytes()
        for count in Array(0..<400) + Array(stride(from: 400, to: bytes.count, by: 997)) {
            #expect(throws: InferenceError.self, "\(count) bytes") {
                _ = try ModelFile(bytes: TinyModel.pinned(Array(bytes[..<count])), name: "cut")
            }
        }
    }

    /// Counts and lengths of 2⁶⁴ − 1 and their like, wherever eight bytes of the header can hold one.
    @Test(arguments: [UInt64.max, UInt64(Int64.max), 1 << 62, 1 << 32, 1 << 24])
    func `an absurd number anywhere in the header neither traps nor takes memory`(absurd: UInt64) throws {
        let bytes = TinyModel.writer().bytes()
        for place in 4..<1_200 {
            var changed = bytes
            withUnsafeBytes(of: absurd.littleEndian) { changed.replaceSubrange(place..<place + 8, with: $0) }
            let memory = TinyModel.pinned(changed)
            defer { memory.deallocate() }
            Self.useAll(memory)
        }
    }

    /// Opens a file and everything that reads it.
    private static func useAll(_ bytes: UnsafeRawBufferPointer) {
        guard let file = try? ModelFile(bytes: bytes, name: "changed") else { return }
        if let tokenizer = try? file.makeTokenizer() { _ = try? file.makeChatFormat(tokenizer) }
        _ = try? LlamaModel(file: file)
    }

    @Test func `query, key and value all have something added, or none`() throws {
        for missing in ["q", "k", "v"] {
            var writer = TinyModel.writer()
            for (name, count) in [("q", 32), ("k", 16), ("v", 16)] where name != missing {
                let data = [UInt8](repeating: 0, count: count * 4)
                writer.tensors.append(.init("blk.1.attn_\(name).bias", [UInt64(count)], type: 0, data: data))
            }
            #expect(throws: InferenceError.malformed("blk.1.attn_q.bias, attn_k.bias, attn_v.bias")) {
                _ = try LlamaModel(file: open(writer))
            }
        }
    }

    @Test func `a tensor outside the file, unaligned or of another shape is refused`() throws {
        func opened(_ tensor: GGUFWriter.Tensor) throws(InferenceError) -> ModelFile {
            var writer = TinyModel.writer()
            writer.tensors[0] = tensor
            return try open(writer)
        }
        let (name, rows) = ("token_embd.weight", UInt64(TinyModel.vocabularySize))
        for offset in [UInt64.max, 1 << 40, 8] {
            #expect(throws: InferenceError.self) { _ = try opened(.init("x", [32], type: 0, data: [], offset: offset)) }
        }
        #expect(throws: InferenceError.malformed("a dimension")) {
            _ = try opened(.init("x", [1, 1 << 40, 1 << 40], type: 0, data: []))
        }
        #expect(throws: InferenceError.malformed("a tensor's width")) {
            _ = try opened(.init("x", [33], type: 8, data: [], offset: 0))
        }
        #expect(throws: InferenceError.malformed("shape of \(name)")) {
            _ = try LlamaModel(file: opened(.init(name, [16, rows], type: 0, data: [], offset: 0)))
        }
        #expect(throws: InferenceError.malformed("\(name) is missing")) {
            _ = try LlamaModel(file: opened(.init("x", [1], type: 0, data: [], offset: 0)))
        }
        #expect(throws: InferenceError.unsupportedTensorType(10)) {
            _ = try LlamaModel(file: opened(.init(name, [32, rows], type: 10, data: [], offset: 0)))
        }
    }

    @Test func `an architecture or a tokenizer that is not known is refused by its name`() throws {
        var writer = TinyModel.writer()
        writer.set("general.architecture", .text("mamba"))
        #expect(throws: InferenceError.unsupportedArchitecture("mamba")) { _ = try LlamaModel(file: open(writer)) }
        writer = TinyModel.writer()
        writer.set("tokenizer.ggml.pre", .text("tekken"))
        #expect(throws: InferenceError.unsupportedTokenizer("tekken")) { _ = try open(writer).makeTokenizer() }
        writer.metadata.append(("general.architecture", .text("llama")))
        #expect(throws: InferenceError.malformed("a metadata key that appears twice")) { _ = try open(writer) }
    }

    @Test(arguments: [
        "block_count", "embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv",
        "context_length", "rope.dimension_count", "attention.key_length",
    ])
    func `a shape that cannot be is refused, whatever the number`(key: String) throws {
        for value in [UInt32(0), 3, 7, 1 << 20, .max] {
            var writer = TinyModel.writer()
            writer.set("llama.\(key)", .count(value))
            let file = try open(writer)
            if key == "context_length", value > 7 { continue }
            #expect(throws: InferenceError.self, "\(value)") { _ = try Engine(file: file, options: .init(threads: 1)) }
        }
    }

    @Test func `a path that is no file is refused with the reason`() {
        #expect(throws: InferenceError.cannotOpen(code: 2)) { _ = try ModelFile(path: "/no/such/file.gguf") }
        #expect(throws: InferenceError.self) { _ = try ModelFile(path: "/") }
    }
}
