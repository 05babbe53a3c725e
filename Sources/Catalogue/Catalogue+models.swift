public import Inference
import Cryptography
import Foundation
import Glibc

extension Catalogue {
    /// The model that a person means: an id, or a name that only one model has, or its last part; Cloister's own copy
    /// before others of the same name.
    /// - Throws: `notFound`, `ambiguous`.
    public func model(named wanted: String) throws(CatalogueError) -> FoundModel {
        let models = search().models
        let exact = models.filter { $0.id == wanted || $0.name == wanted }
        let loose = models.filter { model in
            model.name.split(separator: "/").last.map(String.init) == wanted || model.name == wanted + ":latest"
        }
        let found = exact.isEmpty ? loose : exact
        if let own = found.first(where: { $0.store == .own }) ?? (found.count == 1 ? found.first : nil) { return own }
        guard found.isEmpty else { throw .ambiguous(wanted, found.map(\.id)) }
        let key = wanted.lowercased()
        throw .notFound(wanted, near: Array(models.map(\.id).filter { $0.lowercased().contains(key) }.prefix(3)))
    }
}

extension ModelFile {
    /// SHA-256 of the mapped file, hexadecimal.
    public func digest(progress: (Int) -> Void = { _ in }) -> String {
        withBytes { Hex.encode(sha256(of: $0, progress: progress)) }
    }
}

extension FoundModel {
    /// Opens the file; nothing but the metadata is read yet.
    /// - Throws: what `ModelFile` throws.
    public func open() throws(InferenceError) -> ModelFile { try ModelFile(foundAt: path, name: name) }

    /// Checks that the mapped file is the one that its store promises and that was used before; remembers it otherwise.
    /// - Parameter progress: told how many bytes were hashed.
    /// - Throws: `CatalogueError.changed`, `cannotWrite`, `damagedMemory`.
    public func verify(_ file: ModelFile, in store: OwnStore, progress: (Int) -> Void = { _ in }) throws -> String {
        let digest = file.digest(progress: progress)
        try check(digest, in: store)
        return digest
    }

    /// Opens the file and reads nothing; a link, or what is no file, is refused when it is read.
    /// - Returns: a descriptor, which is the caller's.
    /// - Throws: `cannotOpen`.
    public func descriptor() throws(InferenceError) -> Int32 {
        // Not blocking: a pipe in the place of a file must not hold us up.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .cannotOpen(code: errno) }
        return descriptor
    }

    /// Checks a digest of the file, SHA-256 in hexadecimal, as `verify` does.
    /// - Throws: `CatalogueError.changed`, `cannotWrite`, `damagedMemory`.
    public func check(_ digest: String, in store: OwnStore) throws {
        guard promisedDigest == nil || promisedDigest == digest else { throw CatalogueError.changed(id) }
        switch try store.recall().digests[id] {
        case digest?: break
        case nil: try store.change { $0.digests[id] = digest }
        default: throw CatalogueError.changed(id)
        }
    }
}
