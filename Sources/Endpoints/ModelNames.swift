import Foundation

/// A model by a name that programs may say.
struct NamedModel: Sendable {
    /// What `models` says of a model (`docs/formats/actions.md`).
    struct Model: Decodable, Sendable {
        let id, name: String
        /// Of its file.
        let bytes: Int
        /// Weights.
        let parameters: Int
        let quantisation, architecture: String
        /// Tokens that a conversation may have here.
        let context: Int
        let licence, digest: String?
        let loaded: Bool
        let obstacles: [String]
    }

    let name: String
    let model: Model
}

extension Door {
    /// What runs here, the standard one first; last the same once more as `default`.
    func models(_ client: KeyChannel) async throws -> [NamedModel] {
        struct ModelList: Decodable, Sendable { let models: [NamedModel.Model] }
        let models = try await client.ask("models", [String: String](), as: ModelList.self).models
            .filter(\.obstacles.isEmpty)
        let named = models.map { model in
            NamedModel(name: models.count { $0.name == model.name } == 1 ? model.name : model.id, model: model)
        }
        return named + models.prefix(1).map { NamedModel(name: Self.standardName, model: $0) }
    }

    /// The name that always works.
    static let standardName = "default"
}

extension [NamedModel] {
    /// - Throws: `APIError.noSuchModel`.
    func named(_ wanted: String) throws -> NamedModel {
        guard let found = first(where: { $0.name == wanted }) else { throw APIError.noSuchModel("/v1/models") }
        return found
    }

    /// The name that an answer gives: `default` says nothing of who wrote it.
    func shownName(_ wanted: String) -> String { wanted == Door.standardName ? self[0].name : wanted }
}
