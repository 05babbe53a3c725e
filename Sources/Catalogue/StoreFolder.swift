import Foundation
import Glibc

/// Another program's folder, read and never written: every path is resolved and must stay inside, every list and every
/// small file has a limit.
struct StoreFolder {
    /// *Our choice*: more entries than any real store has.
    private static let entryLimit = 20_000
    /// *Our choice*: a manifest has a few kilobytes.
    private static let fileLimit = 1 << 20

    let kind: StoreKind
    /// Absolute, without symbolic links.
    let root: String

    /// - Returns: nil if there is no such directory.
    init?(_ kind: StoreKind, at path: String) {
        guard let resolved = Self.resolved(path), Self.mode(resolved) == S_IFDIR else { return nil }
        (self.kind, root) = (kind, resolved)
    }

    /// The names in a folder, sorted; hidden ones and those that are no text are left out.
    func names(in place: String = "") -> [String] {
        guard let inside = path(of: place), let directory = opendir(inside) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while names.count < Self.entryLimit, let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            if let name, !name.hasPrefix("."), !name.contains(where: \.isNewline) { names.append(name) }
        }
        return names.sorted()
    }

    /// Every regular file below a folder, at most `depth` folders deep, as paths inside the store.
    func files(below place: String = "", depth: Int, where wanted: (String) -> Bool) -> [String] {
        var found: [String] = []
        for name in names(in: place) {
            let inner = place.isEmpty ? name : "\(place)/\(name)"
            switch path(of: inner).map(Self.mode) {
            case S_IFREG where wanted(name): found.append(inner)
            case S_IFDIR where depth > 0: found += files(below: inner, depth: depth - 1, where: wanted)
            default: break
            }
        }
        return found
    }

    /// The absolute path of something inside, with symbolic links followed; nil if it is not there or leads outside.
    func path(of place: String) -> String? {
        guard let resolved = Self.resolved(place.isEmpty ? root : "\(root)/\(place)") else { return nil }
        return resolved == root || resolved.hasPrefix(root + "/") ? resolved : nil
    }

    /// A small file's content; nil if it is missing, too large or no regular file.
    func read(_ place: String) -> Data? {
        guard let path = path(of: place) else { return nil }
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.fileLimit
        else { return nil }
        return try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).readToEnd() ?? Data()
    }

    /// Adds a file as a model, or says why not.
    func offer(_ place: String, as name: String, promised digest: String? = nil, to findings: inout Findings) {
        guard let path = path(of: place), Self.mode(path) == S_IFREG else {
            return skip(place, "the file is missing, or its link leads outside the store", in: &findings)
        }
        if let part = Self.part(of: place) {
            if part == 1 {
                skip(place, "the model is split into several files, which is not supported yet", in: &findings)
            }
            return
        }
        findings.models.append(FoundModel(store: kind, name: name, path: path, promisedDigest: digest))
    }

    func skip(_ place: String, _ reason: String, in findings: inout Findings) {
        findings.skipped.append(SkippedEntry(store: kind, place: place, reason: reason))
    }

    static func isGGUF(_ name: String) -> Bool { name.lowercased().hasSuffix(".gguf") }

    /// A name without its folders and `.gguf`.
    static func stem(_ place: String) -> String {
        let last = place.split(separator: "/").last.map(String.init) ?? place
        return isGGUF(last) ? String(last.dropLast(5)) : last
    }

    /// The number of a part of a split file, `…-00001-of-00003.gguf`; nil for a whole one.
    private static func part(of place: String) -> Int? {
        let parts = stem(place).split(separator: "-")
        guard parts.count > 3, parts[parts.count - 2] == "of", parts[parts.count - 1].count == 5 else { return nil }
        return Int(parts[parts.count - 3])
    }

    private static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(validatingCString: resolved)
    }

    private static func mode(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }
}
