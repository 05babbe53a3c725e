import Cryptography

/// Finds the pieces in a stream of server-sent events, however it is cut.
struct EventReader {
    /// A piece of 1 MiB as base64url, and the field's name.
    private static let lineLimit = (1 << 20) / 3 * 4 + 64

    private var line: [UInt8] = []

    /// - Returns: nil if a line is longer than any piece; then nothing of the stream counts any more.
    mutating func pieces(adding bytes: [UInt8]) -> [[UInt8]]? {
        var pieces: [[UInt8]] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                guard line.count <= Self.lineLimit else { return nil }
                continue
            }
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("data: "), let piece = Base64URL.decode(String(text.dropFirst(6))) {
                pieces.append(piece)
            }
            line = []
        }
        return pieces
    }
}
