import Cryptography

/// Seals the pieces of one reply, in order, with an authenticated end.
///
/// `docs/formats/channel.md` §4.
public struct ReplySealer: ~Copyable, Sendable {
    private let binding: ReplyBinding
    private let key: Secret
    private var index: UInt64 = 0

    init(_ keys: borrowing ChannelKeys, account: AccountID, place: Place, counter: RequestCounter) {
        binding = ReplyBinding(account: account, place: place, counter: counter)
        key = keys.replyKey(counter)
    }

    /// Seals the next piece.
    /// - Parameter final: true for exactly the last piece.
    public mutating func seal(_ content: [UInt8], final: Bool) -> [UInt8] {
        defer { index += 1 }
        let sealed = try? AuthenticatedEncryption.seal(
            ChannelKeys.padding.pad(content), key: key, nonce: binding.nonce(index),
            authenticating: binding.context(index, final: final))
        guard let sealed else { preconditionFailure("a 32-byte key and a 12-byte nonce always seal") }
        return sealed
    }
}

/// Opens the pieces of one reply and refuses anything but all of them in order.
public struct ReplyOpener: ~Copyable, Sendable {
    private let binding: ReplyBinding
    private let key: Secret
    private var index: UInt64 = 0
    /// Whether the final piece was read.
    public private(set) var isFinished = false

    init(_ keys: borrowing ChannelKeys, account: AccountID, place: Place, counter: RequestCounter) {
        binding = ReplyBinding(account: account, place: place, counter: counter)
        key = keys.replyKey(counter)
    }

    /// Opens the next piece.
    /// - Throws: `refused` for a piece that is not the next one, `truncated` for one after the end.
    public mutating func open(_ piece: [UInt8]) throws(ChannelError) -> [UInt8] {
        guard !isFinished else { throw .truncated }
        for final in [false, true] {
            let padded = try? AuthenticatedEncryption.open(
                piece, key: key, nonce: binding.nonce(index), authenticating: binding.context(index, final: final))
            guard let padded else { continue }
            index += 1
            isFinished = final
            do { return try Padding.unpad(padded) } catch { throw .malformed }
        }
        throw .refused
    }

    /// Call when the stream has ended.
    /// - Throws: `truncated` if the final piece never came.
    public borrowing func end() throws(ChannelError) {
        guard isFinished else { throw .truncated }
    }
}

private struct ReplyBinding: Sendable {
    let prefix: [UInt8]

    init(account: AccountID, place: Place, counter: RequestCounter) {
        prefix = Array("cloister/reply/v1".utf8) + account.bytes + place.bytes + counter.bytes
    }

    func nonce(_ index: UInt64) -> [UInt8] { [0, 0, 0, 0] + bigEndian(index) }
    func context(_ index: UInt64, final: Bool) -> [UInt8] { prefix + bigEndian(index) + [final ? 1 : 0] }
}
