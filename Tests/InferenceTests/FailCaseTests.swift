import Foundation
import Inference
import TestSupport
import Testing

/// Inputs that once ended the process; `Fuzz/run` leaves new ones beside them.
struct FailCaseTests {
    private static let folder = Shared.repository.appending(path: "Fuzz/FailCases/FuzzModelFile")
    private static let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []

    @Test(arguments: names)
    func `a file that once ended the process is refused or read`(name: String) throws {
        let input = try Data(contentsOf: Self.folder.appending(path: name))
        // The fuzz target lets zeroes follow an input that ends with an even byte.
        let zeroes = input.last.map { $0.isMultiple(of: 2) ? 256 << 10 : 0 } ?? 0
        let bytes = TinyModel.pinned(Array(input) + [UInt8](repeating: 0, count: zeroes))
        guard let file = try? ModelFile(bytes: bytes, name: name) else { return }
        if let tokenizer = try? file.makeTokenizer() { _ = try? file.makeChatFormat(tokenizer) }
        _ = try? Engine(file: file, options: EngineOptions(threads: 1))
    }

    @Test func `there are cases to replay`() { #expect(!Self.names.isEmpty) }
}
