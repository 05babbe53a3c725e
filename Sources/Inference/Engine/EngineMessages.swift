/// How an answer is asked for and told between processes; `docs/formats/seams.md` §4.
///
/// Little-endian, like the machines on both sides.
extension GenerationRequest {
    /// Most tokens that may end an answer.
    static let endTokenLimit = 256

    /// The request as it travels.
    public func encoded() -> [UInt8] {
        var writer = WordWriter()
        writer.word(sequence.number)
        writer.word(sampling.seed ?? 0)
        for value in [sampling.temperature, sampling.topP, sampling.minP, sampling.repetitionPenalty] {
            writer.word(value.bitPattern)
        }
        for value in [sampling.topK, maxTokens, endTokens.count, prompt.count] { writer.word(UInt32(clamping: value)) }
        for token in endTokens.sorted() + prompt { writer.word(token) }
        writer.byte((sampling.seed == nil ? 0 : 1) | (guesses ? 0 : 2))
        return writer.bytes
    }

    /// Reads a request; its ranges are for `validate` to judge.
    /// - Throws: `malformed` unless the bytes are exactly one.
    public init(decoding bytes: [UInt8]) throws(InferenceError) {
        var reader = WordReader(bytes)
        let (number, seed) = (try reader.word(UInt64.self), try reader.word(UInt64.self))
        var floats: [Float] = []
        for _ in 0..<4 { floats.append(Float(bitPattern: try reader.word(UInt32.self))) }
        var counts: [Int] = []
        for _ in 0..<4 { counts.append(Int(try reader.word(UInt32.self))) }
        let (ends, all) = (counts[2], counts[2] + counts[3])
        guard ends <= Self.endTokenLimit, reader.remaining == all * 4 + 1 else { throw WordReader.malformed }
        var tokens: [TokenID] = []
        tokens.reserveCapacity(all)
        for _ in 0..<all { tokens.append(try reader.word(TokenID.self)) }
        let flags = try reader.word(UInt8.self)
        guard flags <= 3 else { throw WordReader.malformed }
        self.init(
            sequence: SequenceID(number: number), prompt: Array(tokens[ends...]),
            sampling: Sampling(
                temperature: floats[0], topK: counts[0], topP: floats[1], minP: floats[2],
                repetitionPenalty: floats[3], seed: flags & 1 == 0 ? nil : seed),
            maxTokens: counts[1], endTokens: Set(tokens[..<ends]))
        guesses = flags & 2 == 0
    }
}

extension GenerationEvent {
    private static let reasons: [FinishReason] = [.endOfSequence, .length, .contextFull, .outOfMemory]

    /// The event as it travels: a byte for its kind and one to three numbers.
    public func encoded() -> [UInt8] {
        var writer = WordWriter()
        switch self {
        case .accepted: writer.byte(4)
        case .finished(.tooMany(let isOwn, let seconds)):
            writer.byte(5)
            writer.byte(isOwn ? 1 : 0)
            writer.word(UInt16(clamping: seconds))
        case .prefilled(let reused, let evaluated, let nanoseconds):
            writer.byte(1)
            writer.word(UInt32(clamping: reused))
            writer.word(UInt32(clamping: evaluated))
            writer.word(nanoseconds)
        case .token(let token):
            writer.byte(2)
            writer.word(token)
        case .finished(let reason):
            writer.byte(3)
            writer.byte(UInt8(Self.reasons.firstIndex(of: reason) ?? 0))
        }
        return writer.bytes
    }

    /// Reads an event.
    /// - Throws: `malformed` unless the bytes are exactly one.
    public init(decoding bytes: [UInt8]) throws(InferenceError) {
        var reader = WordReader(bytes)
        switch try reader.word(UInt8.self) {
        case 1:
            let (reused, evaluated) = (try reader.word(UInt32.self), try reader.word(UInt32.self))
            self = .prefilled(
                reused: Int(reused), evaluated: Int(evaluated), nanoseconds: try reader.word(UInt64.self))
        case 2: self = .token(try reader.word(TokenID.self))
        case 3:
            let reason = Int(try reader.word(UInt8.self))
            guard Self.reasons.indices.contains(reason) else { throw WordReader.malformed }
            self = .finished(Self.reasons[reason])
        case 4: self = .accepted
        case 5:
            let whose = try reader.word(UInt8.self)
            guard whose <= 1 else { throw WordReader.malformed }
            self = .finished(.tooMany(isOwn: whose == 1, seconds: Int(try reader.word(UInt16.self))))
        default: throw WordReader.malformed
        }
        guard reader.remaining == 0 else { throw WordReader.malformed }
    }
}

private struct WordWriter {
    private(set) var bytes: [UInt8] = []

    mutating func byte(_ value: UInt8) { bytes.append(value) }
    mutating func word(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

private struct WordReader {
    static let malformed = InferenceError.malformed("a message between processes")
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var remaining: Int { bytes.count - offset }

    mutating func word<I: FixedWidthInteger>(_: I.Type) throws(InferenceError) -> I {
        guard MemoryLayout<I>.size <= remaining else { throw Self.malformed }
        defer { offset += MemoryLayout<I>.size }
        return I(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: I.self) })
    }
}
