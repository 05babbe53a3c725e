import Foundation

/// Finds the models that lie on this machine.
///
/// Other programs' stores are read and never written, renamed or locked; whatever in them cannot be read, or leads
/// outside, is passed over with a reason.
public struct Catalogue: Sendable {
    private let environment: [String: String]
    private let folders: [String]
    private let own: String?

    /// - Parameters:
    ///   - environment: where the stores' own variables and `HOME` are looked up.
    ///   - folders: folders that the person named, searched too.
    ///   - own: Cloister's own store.
    public init(environment: [String: String], folders: [String] = [], own: String? = nil) {
        (self.environment, self.folders, self.own) = (environment, folders, own)
    }

    /// Searches every store.
    ///
    /// Opens no model file.
    public func search() -> Findings {
        var (findings, seen) = (Findings(), Set<String>())
        for (kind, path) in places {
            guard let folder = StoreFolder(kind, at: path), seen.insert("\(kind) \(folder.root)").inserted else {
                continue
            }
            // What is behind a link is another's, and must not be taken for ours, which may be deleted.
            guard kind != .own || folder.root == path else { continue }
            search(folder, &findings)
        }
        // A file that two stores share is one model, of the store that comes first; two names in one store stay two.
        var owners: [String: StoreKind] = [:]
        for model in findings.models where owners[model.path] == nil { owners[model.path] = model.store }
        findings.models = findings.models.filter { owners[$0.path] == $0.store }
        return findings
    }

    private func search(_ folder: StoreFolder, _ findings: inout Findings) {
        switch folder.kind {
        case .ollama: Ollama.search(folder, &findings)
        case .huggingFace: HuggingFace.search(folder, &findings)
        case .jan: Jan.search(folder, &findings)
        case .lmStudio: flat(folder, depth: 3, &findings) { String($0.dropLast(5)) }
        case .folder: flat(folder, depth: 3, &findings, name: StoreFolder.stem)
        case .own, .llamaCpp, .gpt4All: flat(folder, depth: 0, &findings, name: StoreFolder.stem)
        }
    }

    private func flat(_ folder: StoreFolder, depth: Int, _ findings: inout Findings, name: (String) -> String) {
        for place in folder.files(depth: depth, where: StoreFolder.isGGUF) {
            folder.offer(place, as: name(place), to: &findings)
        }
    }

    /// Every place of requirements 5.3, in the order in which a model that lies in two of them is named.
    private var places: [(StoreKind, String)] {
        let home = environment["HOME"] ?? NSHomeDirectory()
        func variable(_ name: String, _ suffix: String = "") -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 + suffix }
        }
        let cache = variable("XDG_CACHE_HOME") ?? home + "/.cache"
        let share = variable("XDG_DATA_HOME") ?? home + "/.local/share"
        let hub =
            variable("LLAMA_CACHE") ?? variable("HF_HUB_CACHE") ?? variable("HUGGINGFACE_HUB_CACHE")
            ?? variable("HF_HOME", "/hub") ?? cache + "/huggingface/hub"
        let ollama = [variable("OLLAMA_MODELS"), home + "/.ollama/models", "/usr/share/ollama/.ollama/models"]
        return [own.map { (.own, $0) }].compactMap { $0 }
            + folders.map { (.folder, $0) }
            + ollama.compactMap { $0 }.map { (.ollama, $0) }
            + [(.huggingFace, hub), (.llamaCpp, variable("LLAMA_CACHE") ?? cache + "/llama.cpp")]
            + [(.lmStudio, lmStudio(home) + "/models")]
            + [(.jan, share + "/Jan/data"), (.jan, home + "/.config/Jan/data")]
            + [(.gpt4All, share + "/nomic.ai/GPT4All")]
    }

    /// The path in `~/.lmstudio-home-pointer`; else `~/.cache/lm-studio` if it exists; else `~/.lmstudio`.
    private func lmStudio(_ home: String) -> String {
        if let folder = StoreFolder(.lmStudio, at: home), let data = folder.read(".lmstudio-home-pointer") {
            let path = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if path.hasPrefix("/") { return path }
        }
        let older = home + "/.cache/lm-studio"
        return StoreFolder(.lmStudio, at: older) == nil ? home + "/.lmstudio" : older
    }
}
