import Inference

/// What an answer is made from.
struct AnswerRequest {
    let prompt: [TokenID]
    let sampling: Sampling
    let maxTokens: Int
    let stops: [String]
}

/// Why an answer ended, as clients read it.
enum AnswerEnd: String {
    case stop, length, stopped
}

/// An answer as text while it is made: tokens become whole characters, and stop strings end it.
struct Answer {
    private let generation: Generation
    private var events: Generation.Iterator
    private var detokenizer: Detokenizer
    private var matcher: StopMatcher
    /// Prompt tokens that were known from an earlier turn.
    private(set) var reusedTokens = 0
    /// Tokens made so far.
    private(set) var completionTokens = 0
    /// Why it ended; nil while it goes on.
    private(set) var end: AnswerEnd?
    /// How long the prompt took to read, and the answer to make; zero before.
    private(set) var promptNanoseconds = 0, answerNanoseconds = 0
    private let asked = ContinuousClock.now
    /// What broke it off, so that it was stopped and nobody had asked for that.
    private(set) var failure: InferenceError?
    /// The whole text so far.
    private(set) var text = ""

    init(_ request: AnswerRequest, model: LoadedModel, sequence: SequenceID) throws {
        generation = try model.engine.generate(
            GenerationRequest(
                sequence: sequence, prompt: request.prompt, sampling: request.sampling, maxTokens: request.maxTokens,
                endTokens: model.tokenizer.endTokens))
        events = generation.makeAsyncIterator()
        detokenizer = model.tokenizer.makeDetokenizer()
        matcher = StopMatcher(request.stops)
    }

    /// Waits until the engine has taken the request.
    /// - Throws: `tooMany` if it did not.
    mutating func accepted() async throws(InferenceError) {
        switch await events.next() {
        case .accepted?: return
        case .finished(let reason)?: finish(reason)
        default: finish(AnswerEnd.stopped)
        }
        if case .tooMany? = failure, let failure { throw failure }
    }

    /// Stops the answer from outside.
    var stopper: @Sendable () -> Void { { [generation] in generation.stop() } }

    /// The next text, never empty; nil when `end` is known.
    mutating func next() async -> String? {
        while end == nil {
            let piece: String
            switch await events.next() {
            case .accepted: continue
            case .prefilled(let reused, _, let nanoseconds):
                reusedTokens = reused
                // The engine's own time, not when we heard of it; a hostile engine could say any.
                promptNanoseconds = min(Int(clamping: nanoseconds), elapsed)
                continue
            case .token(let token):
                completionTokens += 1
                let (shown, stopped) = matcher.append(detokenizer.append(token))
                if stopped { finish(AnswerEnd.stop) }
                piece = shown
            case .finished(let reason):
                piece = flush()
                finish(reason)
            case nil:
                piece = flush()
                finish(AnswerEnd.stopped)
            }
            if !piece.isEmpty {
                text += piece
                return piece
            }
        }
        return nil
    }

    private mutating func flush() -> String {
        let (shown, stopped) = matcher.append(detokenizer.finish())
        return stopped ? shown : shown + matcher.finish()
    }

    private mutating func finish(_ reason: FinishReason) {
        switch reason {
        case .endOfSequence: finish(AnswerEnd.stop)
        case .length, .contextFull: finish(AnswerEnd.length)
        case .outOfMemory: failure = .outOfMemory
        case .tooMany(let isOwn, let seconds): failure = .tooMany(isOwn: isOwn, seconds: seconds)
        case .engineGone: failure = .engineGone
        }
        if failure != nil { finish(AnswerEnd.stopped) }
    }

    private mutating func finish(_ reason: AnswerEnd) {
        end = reason
        answerNanoseconds = elapsed - promptNanoseconds
        generation.stop()
    }

    /// Nanoseconds since the engine was asked.
    private var elapsed: Int { Int((ContinuousClock.now - asked) / .nanoseconds(1)) }
}
