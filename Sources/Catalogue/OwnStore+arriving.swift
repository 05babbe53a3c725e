import Cryptography
import Foundation
import Glibc
import Inference

/// A model that is on its way into the own store: a hidden file, named for the digest that it will have.
///
/// Held by one process at a time; what a connection left half stays for the next try, and is never listed as a model.
public struct Arrival: Sendable {
    /// Open for reading and writing, locked.
    public let descriptor: Int32
    /// What the beginning was fetched with, as `note` kept it; nil: nothing is known.
    public let validator: String?
    let path: String
    let digest: String
    fileprivate var notePath: String { path + ".tag" }

    /// Keeps what the rest can be asked for with later.
    public func note(validator: String?) {
        unlink(notePath)
        guard let validator else { return }
        // Without it the rest is asked for without a condition, and the digest decides alone.
        _ = FileManager.default.createFile(
            atPath: notePath, contents: Data(validator.utf8), attributes: [.posixPermissions: 0o600])
    }
}

extension OwnStore {
    /// *Our choice*: a pull that nobody went on with for so long is given up.
    private static let patience: TimeInterval = 14 * 86_400

    /// Opens the place where a file with this digest arrives.
    /// - Parameter digest: SHA-256, 64 lower-case hexadecimal characters.
    /// - Throws: `CatalogueError.arriving` if another process fetches it; `cannotWrite`.
    public func arrival(of digest: String) throws -> Arrival {
        precondition(Hex.decode(digest)?.count == 32, "an announced digest was checked")
        try createFolder()
        removeAbandoned()
        let file = "\(path)/.\(digest).part"
        let descriptor = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CatalogueError.cannotWrite(code: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, Self.isSame(descriptor, file) else {
            close(descriptor)
            throw CatalogueError.arriving
        }
        let note = FileManager.default.contents(atPath: file + ".tag").map { String(decoding: $0, as: UTF8.self) }
        return Arrival(descriptor: descriptor, validator: note, path: file, digest: digest)
    }

    /// Makes a file that has arrived a model of the store, if it has the digest that it was announced with.
    ///
    /// Nobody else may hold it open for writing any more.
    /// - Parameters:
    ///   - source: what its registry calls it; the digest is remembered for it too.
    ///   - replacing: whether it may take the place of a model of this name.
    ///   - progress: bytes read back so far, and all.
    /// - Throws: `CatalogueError`; `InferenceError` if the file is no GGUF; then nothing of it is kept.
    public func settle(
        _ arrival: Arrival, as name: String, from source: String, replacing: Bool,
        progress: (Int) -> Void = { _ in }
    ) throws -> FoundModel {
        guard Self.isName(name) else { throw CatalogueError.badName }
        let target = "\(path)/\(name).gguf"
        let model = FoundModel(store: .own, name: name, path: target)
        do {
            let file = try ModelFile(foundAt: arrival.path, name: name)
            guard file.digest(progress: progress) == arrival.digest else { throw CatalogueError.copyDiffers }
        } catch {
            ftruncate(arrival.descriptor, 0)
            throw error
        }
        guard fsync(arrival.descriptor) == 0 else { throw CatalogueError.cannotWrite(code: errno) }
        try change { memory in
            guard replacing || access(target, F_OK) != 0 else { throw CatalogueError.exists(name) }
            memory.digests[model.id] = arrival.digest
            memory.sources = (memory.sources ?? [:]).merging([source: arrival.digest]) { $1 }
        } placing: {
            try Self.move(arrival.path, to: target)
        }
        unlink(arrival.notePath)
        return model
    }

    /// Lets go of an arrival; what is empty is removed.
    public func leave(_ arrival: Arrival) {
        var status = stat()
        if fstat(arrival.descriptor, &status) == 0, status.st_size == 0, Self.isSame(arrival.descriptor, arrival.path) {
            unlink(arrival.path)
            unlink(arrival.notePath)
        }
        close(arrival.descriptor)
    }

    /// The models that have this digest, as far as is remembered.
    public func models(withDigest digest: String) -> [FoundModel] {
        memory().digests.filter { $0.value == digest && $0.key.hasPrefix("\(StoreKind.own.rawValue):") }.keys.sorted()
            .map { String($0.dropFirst(StoreKind.own.rawValue.count + 1)) }
            .map { FoundModel(store: .own, name: $0, path: "\(path)/\($0).gguf") }
            .filter { access($0.path, F_OK) == 0 }
    }

    private func removeAbandoned() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where name.hasSuffix(".part") {
            let file = "\(path)/\(name)"
            var status = stat()
            let descriptor = open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            guard fstat(descriptor, &status) == 0,
                Date().timeIntervalSince1970 - TimeInterval(status.st_mtim.tv_sec) > Self.patience,
                flock(descriptor, LOCK_EX | LOCK_NB) == 0
            else { continue }
            unlink(file)
            unlink(file + ".tag")
        }
    }

    /// Whether a path still names what was opened.
    private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
        var (held, named) = (stat(), stat())
        return fstat(descriptor, &held) == 0 && lstat(path, &named) == 0 && held.st_ino == named.st_ino
            && held.st_dev == named.st_dev
    }
}
