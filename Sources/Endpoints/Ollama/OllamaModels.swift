import Foundation

/// What `/api/tags`, `/api/ps` and `/api/show` say of models; what is not known (`modified_at`, `expires_at` …) is left
/// out.
enum OllamaModels {
    struct List: Encodable { let models: [Entry] }

    struct Entry: Encodable {
        let name, model: String
        /// Of its file, bytes.
        let size: Int
        let digest: String?
        let details: Details
        /// Of what is loaded: tokens that a conversation may have, and memory on a graphics card: answers are computed
        /// on the processor.
        var context_length, size_vram: Int?

        init(_ named: NamedModel) {
            (name, model) = (named.name, named.name)
            (size, digest, details) = (named.model.bytes, named.model.digest, Details(named.model))
        }

        static func loaded(_ named: NamedModel) -> Entry {
            var entry = Entry(named)
            (entry.context_length, entry.size_vram) = (named.model.context, 0)
            return entry
        }
    }

    struct Details: Encodable {
        /// The only format that runs here.
        let format = "gguf"
        let family: String
        let families: [String]
        let parameter_size, quantization_level: String

        init(_ model: NamedModel.Model) {
            (family, families) = (model.architecture, [model.architecture])
            (parameter_size, quantization_level) = (Self.size(model.parameters), model.quantisation)
        }

        /// As people say it: `1.5B`, `494.03M`, `260.03K`.
        private static func size(_ parameters: Int) -> String {
            let count = Double(parameters)
            return switch count {
            case 1e9...: String(format: "%.1fB", count / 1e9)
            case 1e6...: String(format: "%.2fM", count / 1e6)
            default: String(format: "%.2fK", count / 1e3)
            }
        }
    }

    /// `/api/show`.
    struct Shown: Encodable {
        let details: Details
        let license: String?
        let model_info: Info
        let capabilities = ["completion"]

        init(_ model: NamedModel.Model) {
            (details, license, model_info) = (Details(model), model.licence, Info(model: model))
        }
    }

    /// Under the names of GGUF's metadata, one of which begins with the architecture's own.
    struct Info: Encodable {
        let model: NamedModel.Model

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(model.architecture, forKey: Key(stringValue: "general.architecture"))
            try container.encode(model.parameters, forKey: Key(stringValue: "general.parameter_count"))
            try container.encode(model.context, forKey: Key(stringValue: "\(model.architecture).context_length"))
        }
    }
}
