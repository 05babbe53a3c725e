import Catalogue
import Cryptography
import Glibc
import Inference
import Seams

/// A model file that is open; nothing of it was read.
struct ModelSource: Sendable {
    let name: String
    /// The file; nil: the guide, which is part of the program.
    let descriptor: Descriptor?
    /// A tokens seam to an engine elsewhere that runs the same file; nil: it is run here.
    var elsewhere: Descriptor?

    static let guide = ModelSource(name: "guide", descriptor: nil)

    /// Opens a file that was found.
    init(_ found: FoundModel) throws(InferenceError) {
        self.init(name: found.name, descriptor: Descriptor(try found.descriptor()))
    }

    init(name: String, descriptor: Descriptor?) { (self.name, self.descriptor) = (name, descriptor) }

    /// Maps it into this process and reads its metadata.
    func file() throws(InferenceError) -> ModelFile {
        guard let descriptor else { return try BuiltInGuide.open() }
        return try ModelFile(descriptor: dup(descriptor.raw), name: name)
    }

    /// SHA-256 of its content, hexadecimal, read from beginning to end.
    /// - Parameter progress: bytes read so far, and all.
    /// - Throws: `truncated` if it became shorter meanwhile, `cannotOpen`.
    func digest(progress: (Int, Int) -> Void) throws -> String {
        guard let descriptor = descriptor?.raw else { return try BuiltInGuide.open().digest() }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, lseek(descriptor, 0, SEEK_SET) == 0
        else { throw InferenceError.cannotOpen(code: EINVAL) }
        let total = Int(status.st_size)
        var done = 0
        let digest = sha256 {
            let bytes = [UInt8](unsafeUninitializedCapacity: min(1 << 20, total - done)) { buffer, count in
                count = max(read(descriptor, buffer.baseAddress, buffer.count), 0)
            }
            done += bytes.count
            if done & 0x3FF_FFFF == 0 || bytes.isEmpty { progress(done, total) }
            return bytes.isEmpty ? nil : bytes
        }
        guard done == total else { throw InferenceError.truncated }
        return Hex.encode(digest)
    }
}

/// Reads model files and makes their engines: in this process, or in others that hold nothing else.
protocol ModelReader: Sendable {
    /// What a file says of itself.
    func inspect(_ source: ModelSource) async -> ModelInspection

    /// An engine with the file, if its digest is accepted before anything else of it is looked at.
    /// - Parameters:
    ///   - progress: bytes hashed so far, and all.
    ///   - accept: SHA-256 in hexadecimal; what it throws is thrown.
    func engine(
        _ source: ModelSource, _ options: EngineOptions, progress: @escaping @Sendable (Int, Int) -> Void,
        accept: @escaping @Sendable (String) throws -> Void
    ) async throws -> any TokenEngine
}

/// In this process, for a command alone.
struct LocalReader: ModelReader {
    func inspect(_ source: ModelSource) async -> ModelInspection {
        do { return try source.file().inspect() } catch { return ModelInspection(unreadable: error) }
    }

    func engine(
        _ source: ModelSource, _ options: EngineOptions, progress: @escaping @Sendable (Int, Int) -> Void,
        accept: @escaping @Sendable (String) throws -> Void
    ) async throws -> any TokenEngine {
        try accept(try source.digest(progress: progress))
        return try Engine(file: try source.file(), options: options)
    }
}
