/// Jan: `llamacpp/models/<id>/model.yml` beside or above a GGUF file.
///
/// Of the YAML only three lines are read: `model_path`, relative to the data folder, `model_sha256`, and `embedding`.
enum Jan {
    static func search(_ folder: StoreFolder, _ findings: inout Findings) {
        for place in folder.files(below: "llamacpp/models", depth: 3, where: { $0 == "model.yml" }) {
            let model = String(place.dropFirst("llamacpp/models/".count).dropLast("/model.yml".count))
            guard let data = folder.read(place) else {
                folder.skip(place, "the description cannot be read", in: &findings)
                continue
            }
            let fields = fields(of: String(decoding: data, as: UTF8.self))
            guard let path = fields["model_path"], StoreFolder.isGGUF(path) else {
                folder.skip(place, "the description names no GGUF file", in: &findings)
                continue
            }
            let digest = fields["model_sha256"].flatMap { $0.utf8.count == 64 ? $0.lowercased() : nil }
            // Jan writes absolute paths for files that were imported in place; those lie outside the store.
            folder.offer(path, as: model, promised: digest, to: &findings)
        }
    }

    private static func fields(of text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let first = parts[0].first, !first.isWhitespace else { continue }
            fields[String(parts[0])] = parts[1].filter { $0 != "\"" && $0 != "'" }.trimmed()
        }
        return fields
    }
}

extension String {
    fileprivate func trimmed() -> String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
