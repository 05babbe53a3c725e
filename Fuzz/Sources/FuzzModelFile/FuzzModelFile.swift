import Inference

/// Opens what the fuzzer made as a GGUF file, and everything that reads one.
///
/// Weights are not interesting: where the last byte is even, 256 KiB of zeroes follow the input, so that a short header is
/// a whole file. Where it is odd, the file ends with the input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzModelFile(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 0 else { return 0 }
    let input = UnsafeBufferPointer(start: start, count: count)
    let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: count + (input[count - 1] & 1 == 0 ? 256 << 10 : 0), alignment: 64)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    memory.copyBytes(from: input)
    read(UnsafeRawBufferPointer(memory))
    return 0
}

private func read(_ bytes: UnsafeRawBufferPointer) {
    guard let file = try? ModelFile(bytes: bytes, name: "fuzz") else { return }
    if let tokenizer = try? file.makeTokenizer() {
        let tokens = tokenizer.encodeWithBeginning("Hello, 世界!\n\n 12345 it's <|im_end|>")
        var detokenizer = tokenizer.makeDetokenizer()
        for token in tokens + [-1, .max] { _ = detokenizer.append(token) }
        _ = detokenizer.finish()
        if let format = try? file.makeChatFormat(tokenizer) {
            _ = format.render([ChatMessage(role: .user, content: "Hello")], with: tokenizer)
        }
    }
    _ = try? Engine(file: file, options: EngineOptions(threads: 1))
}
