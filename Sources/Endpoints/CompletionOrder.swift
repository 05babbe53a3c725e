/// What a program wants: a completion, written in its API's shape.
struct CompletionOrder: Sendable {
    /// What the cell is asked (`docs/formats/actions.md`, `complete`).
    struct Request: Encodable, Sendable {
        struct Message: Encodable, Sendable { let role, content: String }
        var model: String
        var messages: [Message]?
        var prompt: String?
        var maxTokens: Int?
        var temperature, topP, minP, repetitionPenalty: Double?
        var topK: Int?
        var seed: UInt64?
        var stop: [String]?
        var store = false

        /// - Parameters:
        ///   - limit: what the caller's API calls `maxTokens`; the other names are the same in all of them.
        ///   - penalty: the same of `repetitionPenalty`.
        /// - Throws: `APIError` naming the first value out of its range.
        func validate(limit: String, penalty: String) throws {
            try Self.check("temperature", temperature, 0...2)
            try Self.check("top_p", topP, Double.leastNonzeroMagnitude...1)
            try Self.check("min_p", minP, 0...1)
            try Self.check("top_k", topK.map(Double.init), 0...1_000_000)
            try Self.check(limit, maxTokens.map(Double.init), 1...Double(Self.tokenLimit))
            try Self.check(penalty, repetitionPenalty, Double.leastNonzeroMagnitude...2)
            guard (stop?.count ?? 0) <= 8 else {
                throw APIError.invalid("At most 8 stop strings are taken.", param: "stop")
            }
        }

        /// The most that `maxTokens` may be: more than any context.
        static let tokenLimit = 131_072

        private static func check(_ name: String, _ value: Double?, _ range: ClosedRange<Double>) throws {
            if let value, !range.contains(value) { throw APIError.invalid("\(name) is out of range.", param: name) }
        }
    }

    let request: Request
    let shape: any AnswerShape
    let isStreamed: Bool
}
