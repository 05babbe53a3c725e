/// `options` of `POST /api/chat` and `POST /api/generate`: what is left out is the model's usual value here.
///
/// What only says how to compute (`num_gpu`, `num_thread`, `use_mmap` …) is the server's to decide, and ignored.
struct OllamaOptions: Decodable {
    let temperature, top_p, min_p, repeat_penalty: Double?
    let top_k, num_predict, num_ctx, repeat_last_n: Int?
    let seed: Int64?
    let stop: Strings?
    let typical_p, tfs_z: Double?
    let mirostat, presence_penalty, frequency_penalty, num_keep: Present?
    let penalize_newline: Bool?

    /// - Parameter context: tokens that a conversation with the model may have here.
    /// - Throws: `APIError` naming the first one that cannot be honoured.
    func apply(to request: inout CompletionOrder.Request, context: Int) throws {
        try refuseOthers(context: context)
        (request.temperature, request.topP, request.minP) = (temperature, top_p, min_p)
        (request.topK, request.repetitionPenalty, request.stop) = (top_k, repeat_penalty, stop?.values)
        request.maxTokens = num_predict.map { Self.endless.contains($0) ? CompletionOrder.Request.tokenLimit : $0 }
        // -1 asks for a random one.
        request.seed = seed == -1 ? nil : seed.map(UInt64.init(bitPattern:))
        try request.validate(limit: "num_predict", penalty: "repeat_penalty")
    }

    /// Values of `num_predict` that say: until it ends, or the context is full.
    private static let endless = [-1, -2]
    /// Tokens before, that a penalty is for: the sampler's.
    private static let penalisedTokens = 64

    private func refuseOthers(context: Int) throws {
        try Present.refuse([
            "options.mirostat": mirostat, "options.presence_penalty": presence_penalty,
            "options.frequency_penalty": frequency_penalty, "options.num_keep": num_keep,
        ])
        guard (typical_p ?? 1) == 1 else { throw APIError.unsupported("options.typical_p") }
        guard (tfs_z ?? 1) == 1 else { throw APIError.unsupported("options.tfs_z") }
        if (repeat_penalty ?? 1) != 1 {
            guard (repeat_last_n ?? Self.penalisedTokens) == Self.penalisedTokens else {
                throw APIError.unsupported("options.repeat_last_n (other than \(Self.penalisedTokens))")
            }
            guard penalize_newline != false else { throw APIError.unsupported("options.penalize_newline: false") }
        }
        guard (num_ctx ?? 0) <= context else {
            throw APIError.invalid(
                "options.num_ctx: this model has a context of \(context) tokens here (cloister serve --context).",
                param: "num_ctx")
        }
    }
}
