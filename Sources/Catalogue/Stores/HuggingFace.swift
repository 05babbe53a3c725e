/// The hub cache: `models--<org>--<repository>/snapshots/<commit>/<file>`, usually a link to `../../blobs/<oid>`; an oid
/// of 64 digits is the file's SHA-256.
enum HuggingFace {
    static func search(_ folder: StoreFolder, _ findings: inout Findings) {
        for repository in folder.names() where repository.hasPrefix("models--") {
            let name = repository.dropFirst(8).split(separator: "--", omittingEmptySubsequences: false)
                .joined(separator: "/")
            for commit in commits(of: repository, in: folder) {
                let snapshot = "\(repository)/snapshots/\(commit)"
                for place in files(below: snapshot, in: folder) {
                    let file = place.dropFirst(snapshot.count + 1)
                    let oid = folder.path(of: place)?.split(separator: "/").last.map(String.init)
                    folder.offer(
                        place, as: "\(name)/\(StoreFolder.stem(String(file)))", promised: oid.flatMap(digest),
                        to: &findings)
                }
            }
        }
    }

    /// The commit that a branch names, `main` first; without any, all of them.
    private static func commits(of repository: String, in folder: StoreFolder) -> [String] {
        let branches = folder.names(in: "\(repository)/refs")
        guard let branch = branches.first(where: { $0 == "main" }) ?? branches.first,
            let data = folder.read("\(repository)/refs/\(branch)"), data.count == 40
        else { return folder.names(in: "\(repository)/snapshots") }
        let commit = String(decoding: data, as: UTF8.self)
        return commit.allSatisfy(\.isHexDigit) ? [commit] : []
    }

    /// Names that end in `.gguf`, also those whose link is broken or leads outside: `offer` says so.
    private static func files(below place: String, in folder: StoreFolder, depth: Int = 2) -> [String] {
        folder.names(in: place).flatMap { name -> [String] in
            let inner = "\(place)/\(name)"
            if StoreFolder.isGGUF(name) { return [inner] }
            return depth > 0 ? files(below: inner, in: folder, depth: depth - 1) : []
        }
    }

    private static func digest(_ oid: String) -> String? {
        oid.utf8.count == 64 && oid.allSatisfy { "0123456789abcdef".contains($0) } ? oid : nil
    }
}
