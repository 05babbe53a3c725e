/// What a model file says of itself, and whether this engine runs it.
public struct ModelInspection: Codable, Sendable {
    /// How the weights are computed, for example `llama`.
    public let architecture: String
    /// Weights in all tensors.
    public let parameters: Int
    /// The mixture of tensor types, for example `Q4_K_M`.
    public let quantisation: String
    /// Size of the file, bytes.
    public let bytes: Int
    /// The longest context that the model was trained on, tokens; 0 if the file does not say.
    public let trainedContext: Int
    /// `general.license`, at most 64 characters; nil if the file does not say.
    public let licence: String?
    /// How conversations are written; nil if the format is unknown.
    public let chatFormat: ChatFormat?
    /// Everything that keeps it from running; empty if it runs.
    public let obstacles: [InferenceError]
    /// Bytes that one token of a conversation takes; empty if it does not run.
    public let bytesPerToken: [KeyValueType: Int]
    /// Bytes of weights that are read to make one token.
    public let weightsPerToken: Int

    /// A file that cannot even be read.
    public init(unreadable error: InferenceError) {
        (architecture, quantisation, licence, chatFormat) = ("unknown", "unknown", nil, nil)
        (parameters, bytes, trainedContext, obstacles) = (0, 0, 0, [error])
        (bytesPerToken, weightsPerToken) = ([:], 0)
    }

    init(
        file: ModelFile, chatFormat: ChatFormat?, obstacles: [InferenceError], bytesPerToken: [KeyValueType: Int],
        weightsPerToken: Int
    ) {
        (architecture, quantisation) = (String(file.architecture.prefix(64)), file.quantisation)
        (parameters, bytes, trainedContext) = (file.parameterCount, file.byteCount, file.trainedContextLength)
        licence = file.metadataString("general.license").map { String($0.prefix(64)) }
        (self.chatFormat, self.obstacles) = (chatFormat, obstacles)
        (self.bytesPerToken, self.weightsPerToken) = (bytesPerToken, weightsPerToken)
    }
}

extension ModelFile {
    /// Reads the metadata and checks every tensor's shape; computes nothing.
    public func inspect() -> ModelInspection {
        var obstacles = unsupportedTypes.map(InferenceError.unsupportedTensorType)
        var bytesPerToken: [KeyValueType: Int] = [:]
        var weightsPerToken = 0
        do {
            let model = try LlamaModel(file: self)
            weightsPerToken = model.weightsPerToken
            for type in KeyValueType.allCases {
                bytesPerToken[type] = KeyValueCache.bytesPerToken(model.shape, type)
            }
        } catch {
            if !obstacles.contains(error) { obstacles.append(error) }
        }
        var format: ChatFormat?
        do {
            let tokenizer = try makeTokenizer()
            format = try makeChatFormat(tokenizer)
        } catch { obstacles.append(error) }
        return ModelInspection(
            file: self, chatFormat: format, obstacles: obstacles, bytesPerToken: bytesPerToken,
            weightsPerToken: weightsPerToken)
    }
}
