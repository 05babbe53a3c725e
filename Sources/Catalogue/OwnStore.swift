import Cryptography
import Foundation
import Glibc
import Inference

/// Cloister's own models and what it remembers of all: the folder `models` of the data directory.
///
/// A model is complete or not there: it is copied beside, read back, synced, and renamed.
public struct OwnStore: Sendable {
    /// What is remembered, in `models.json`.
    public struct Memory: Codable, Sendable, Equatable {
        /// The id of the model that answers when nobody says otherwise; nil: the built-in guide.
        public var standard: String?
        /// SHA-256 of every model that was used, by id, as it was the first time.
        public var digests: [String: String] = [:]
        /// SHA-256 of what each name of a registry stood for when it was pulled; nil: nothing was.
        public var sources: [String: String]?
    }

    private static let piece = 4 << 20
    /// The folder.
    public let path: String

    /// - Parameter directory: Cloister's data directory.
    public init(in directory: String) { path = directory + "/models" }

    /// What is remembered, for showing; nothing if there is no memory yet or it cannot be read.
    public func memory() -> Memory { (try? recall()) ?? Memory() }

    /// What is remembered, for relying on it: digests that cannot be read are not forgotten.
    /// - Throws: `CatalogueError.damagedMemory`.
    func recall() throws -> Memory {
        let file = path + "/models.json"
        var status = stat()
        guard lstat(file, &status) == 0 || errno != ENOENT else { return Memory() }
        guard isOurs, Self.isPrivate(status, S_IFREG), status.st_nlink == 1,
            let data = StoreFolder(.own, at: path)?.read("models.json"),
            let memory = try? JSONDecoder().decode(Memory.self, from: data)
        else { throw CatalogueError.damagedMemory(file) }
        return memory
    }

    /// Changes what is remembered, and the models with it, under a lock that other processes respect: both, or neither if
    /// a step fails.
    ///
    /// A process that is killed, or a power cut, between the steps leaves the first: a model is then refused until it is
    /// verified or added again.
    /// - Parameter placing: one step that changes the models, taken once they are remembered as they will be.
    /// - Throws: `CatalogueError.cannotWrite`, `damagedMemory`, or what a closure throws, and nothing was changed;
    ///   `unconfirmed`, `halfDone`.
    public func change(_ body: (inout Memory) throws -> Void, placing: () throws -> Void = {}) throws {
        try createFolder()
        let lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX) == 0 else { throw CatalogueError.cannotWrite(code: errno) }
        defer { close(lock) }
        let before = try recall()
        var memory = before
        try body(&memory)
        try keep(memory)
        do { try placing() } catch {
            do { try keep(before) } catch { throw CatalogueError.halfDone }
            throw error
        }
        guard Self.sync(path) else { throw CatalogueError.unconfirmed }
    }

    private func keep(_ memory: Memory) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let data = try encoder.encode(memory)
        let partial = try write("models.json") { descriptor in
            try data.withUnsafeBytes { try Self.write($0, to: descriptor) }
        }
        try Self.move(partial, to: path + "/models.json")
    }

    /// Copies a model file into the store and checks the copy.
    /// - Parameters:
    ///   - progress: bytes copied so far, and all.
    /// - Throws: `CatalogueError`; `InferenceError` if the file is no GGUF.
    public func add(_ source: String, as name: String, progress: (Int, Int) -> Void) throws -> FoundModel {
        guard Self.isName(name) else { throw CatalogueError.badName }
        let file = try ModelFile(path: source)
        try createFolder()
        let target = "\(path)/\(name).gguf"
        guard access(target, F_OK) != 0 else { throw CatalogueError.exists(name) }
        let (partial, digest) = try file.withBytes { bytes in
            let partial = try write("\(name).gguf") { descriptor in
                var offset = 0
                while offset < bytes.count {
                    let end = min(offset + Self.piece, bytes.count)
                    try Self.write(UnsafeRawBufferPointer(rebasing: bytes[offset..<end]), to: descriptor)
                    offset = end
                    progress(offset, bytes.count)
                }
            } checking: { partial in
                let copied = try ModelFile(foundAt: partial, name: name).withBytes { sha256(of: $0) }
                guard copied == sha256(of: bytes) else { throw CatalogueError.copyDiffers }
            }
            return (partial, sha256(of: bytes))
        }
        let model = FoundModel(store: .own, name: name, path: target)
        do {
            try change { memory in
                guard access(target, F_OK) != 0 else { throw CatalogueError.exists(name) }
                memory.digests[model.id] = Hex.encode(digest)
            } placing: {
                try Self.move(partial, to: target)
            }
        } catch {
            unlink(partial)
            throw error
        }
        return model
    }

    /// Deletes a model of the store.
    /// - Throws: `notFound` if it is not there; as `change`.
    public func remove(_ model: FoundModel) throws {
        guard model.store == .own, access(model.path, F_OK) == 0 else {
            throw CatalogueError.notFound(model.name, near: [])
        }
        try change { memory in
            memory.digests[model.id] = nil
            if memory.standard == model.id { memory.standard = nil }
        } placing: {
            guard unlink(model.path) == 0 else { throw CatalogueError.cannotWrite(code: errno) }
        }
    }

    /// Whether a model may be called so: letters, digits, dots, dashes and underscores, a letter or digit first, at most
    /// 120.
    public static func isName(_ name: String) -> Bool {
        guard (1...120).contains(name.utf8.count), let first = name.unicodeScalars.first,
            !"._-".unicodeScalars.contains(first)
        else { return false }
        return name.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || $0.properties.numericType != nil || "._-".unicodeScalars.contains($0))
        }
    }

    func createFolder() throws {
        if mkdir(path, 0o700) != 0 {
            guard errno == EEXIST else { throw CatalogueError.cannotWrite(code: errno) }
        } else if !Self.sync(path + "/..") {
            rmdir(path)
            throw CatalogueError.cannotWrite(code: EIO)
        }
        guard isOurs else { throw CatalogueError.untrustedStore(path) }
    }

    /// Whether the folder is one, this user's, and closed to others: no link to a place outside the data directory.
    private var isOurs: Bool {
        var status = stat()
        return lstat(path, &status) == 0 && Self.isPrivate(status, S_IFDIR)
    }

    private static func isPrivate(_ status: stat, _ kind: mode_t) -> Bool {
        status.st_mode & S_IFMT == kind && status.st_uid == geteuid() && status.st_mode & 0o077 == 0
    }

    /// Writes a file beside its place, syncs and checks it.
    /// - Returns: where it lies; nothing is there if this fails.
    private func write(
        _ name: String, _ content: (Int32) throws -> Void, checking: (String) throws -> Void = { _ in }
    ) throws -> String {
        let partial = "\(path)/.\(name).new"
        unlink(partial)
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CatalogueError.cannotWrite(code: errno) }
        do {
            defer { close(descriptor) }
            try content(descriptor)
            guard fsync(descriptor) == 0 else { throw CatalogueError.cannotWrite(code: errno) }
            try checking(partial)
            return partial
        } catch {
            unlink(partial)
            throw error
        }
    }

    static func move(_ partial: String, to target: String) throws {
        guard rename(partial, target) == 0 else { throw CatalogueError.cannotWrite(code: errno) }
    }

    /// Whether the names in a folder are on disk.
    private static func sync(_ folder: String) -> Bool {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(descriptor) }
        return descriptor >= 0 && fsync(descriptor) == 0
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
        var offset = 0
        while offset < bytes.count, let start = bytes.baseAddress {
            let count = Glibc.write(descriptor, start + offset, bytes.count - offset)
            if count < 0 {
                if errno == EINTR { continue }
                throw CatalogueError.cannotWrite(code: errno)
            }
            offset += count
        }
    }
}
