import Foundation

/// The fingerprints that this user's command line has met, by data directory or by address: outside the directory, so
/// that whoever swaps it is noticed.
struct KnownNodes {
    let path: String

    init(environment: [String: String]) {
        let state = environment["XDG_STATE_HOME"] ?? Settings.home(environment) + "/.local/state"
        path = state + "/cloister/known_nodes"
    }

    func fingerprint(of place: String) -> String? {
        lines().last { $0.count == 2 && $0[1] == place }.map { String($0[0]) }
    }

    func pin(_ fingerprint: String, for place: String) throws {
        guard self.fingerprint(of: place) == nil else { return }
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let text = lines().map { $0.joined(separator: " ") } + ["\(fingerprint) \(place)"]
        try Data((text.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: path), options: .atomic)
    }

    private func lines() -> [[Substring]] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: " ", maxSplits: 1)
        }
    }
}
