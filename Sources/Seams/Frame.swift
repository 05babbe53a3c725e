/// What travels over a seam: a header of 12 bytes and a payload; `docs/formats/seams.md` §1.
struct Frame: Equatable {
    enum Kind: UInt8 {
        /// Opens a call; client to server.
        case call = 1
        /// One part of a request or of an answer.
        case item
        /// No more parts in this direction.
        case end
        /// The answer is a failure, in the words of the protocol above; server to client.
        case failure
        /// The receiver took so many parts and has room for as many more.
        case credit
        /// The client no longer wants the answer.
        case cancel
    }

    static let headerCount = 12
    static let version: UInt8 = 1

    let kind: Kind
    let call: UInt32
    var method: UInt8 = 0
    var payload: [UInt8] = []
    /// Descriptors that arrive beside it.
    var descriptors = 0

    /// The frame as it travels.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerCount + payload.count)
        for value in [UInt32(payload.count), call] {
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        }
        bytes += [kind.rawValue, method, UInt8(descriptors), Self.version]
        bytes += payload
        return bytes
    }

    /// A credit of `count` parts.
    static func credit(_ count: Int, call: UInt32) -> Frame {
        Frame(kind: .credit, call: call, payload: withUnsafeBytes(of: UInt32(count).bigEndian) { Array($0) })
    }

    /// The parts that a credit grants; nil if it is none.
    var credited: Int? {
        guard kind == .credit, payload.count == 4 else { return nil }
        return payload.reduce(0) { $0 << 8 | Int($1) }
    }
}

/// Finds frames in a stream of bytes, however it is cut.
///
/// Never holds more than one frame and what was just read; what was taken out is zeroed.
public struct FrameReader: Sendable {
    private let payloadLimit: Int
    private let descriptorLimit: Int
    private(set) var buffer: [UInt8] = []
    private var start = 0

    /// - Parameters:
    ///   - payloadLimit: largest payload, bytes.
    ///   - descriptorLimit: most descriptors beside one frame.
    public init(payloadLimit: Int, descriptorLimit: Int) {
        (self.payloadLimit, self.descriptorLimit) = (payloadLimit, descriptorLimit)
    }

    /// Adds what was read.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0, start >= buffer.count / 2 {
            buffer.shift(by: start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// Reads frames until more bytes are needed, and says how many there were: for the fuzzer.
    /// - Throws: `malformed`.
    public mutating func skipAll() throws(SeamError) -> Int {
        var count = 0
        while try next() != nil { count += 1 }
        return count
    }

    /// The next whole frame; nil until there is one.
    /// - Throws: `malformed` for another version, an unknown kind, or more than the limits, as soon as the header says so.
    mutating func next() throws(SeamError) -> Frame? {
        guard buffer.count - start >= Frame.headerCount else { return nil }
        let header = buffer[start..<start + Frame.headerCount]
        func word(_ offset: Int) -> UInt32 {
            header[(start + offset)..<(start + offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
        }
        let (length, carried) = (Int(word(0)), Int(header[start + 10]))
        guard header[start + 11] == Frame.version, let kind = Frame.Kind(rawValue: header[start + 8]),
            length <= payloadLimit, carried <= descriptorLimit
        else { throw .malformed }
        guard buffer.count - start >= Frame.headerCount + length else { return nil }
        let payload = Array(buffer[start + Frame.headerCount..<start + Frame.headerCount + length])
        defer {
            buffer.wipe(start..<start + Frame.headerCount + length)
            start += Frame.headerCount + length
        }
        return Frame(
            kind: kind, call: word(4), method: header[start + 9], payload: payload, descriptors: carried)
    }
}
