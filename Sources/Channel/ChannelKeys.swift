public import Cryptography

/// Names one tab, window or program that shares a channel.
public enum TabKind: Sendable {}

/// The keys that both ends of a channel derive from the HPKE exporter secret.
///
/// `docs/formats/channel.md` §3.
public struct ChannelKeys: ~Copyable, Sendable {
    static let padding = Padding.multiple(of: 64)
    static let tabCount = 8
    private let secret: Secret

    /// From the 32-byte exporter secret.
    public init(_ secret: consuming Secret) { self.secret = secret }

    /// The route that the cookie carries, 16 bytes.
    ///
    /// Whoever has it can ask for nothing.
    public borrowing func route() -> Route {
        let bytes = secret.expanded(info: Array("cloister/route/v1".utf8), count: 16).withUnsafeBytes { Array($0) }
        return (try? Route(bytes: bytes)) ?? .none
    }

    borrowing func requestKey(tab: [UInt8]) -> Secret {
        secret.expanded(info: Array("cloister/request/v1".utf8) + tab)
    }

    borrowing func replyKey(_ counter: RequestCounter) -> Secret {
        secret.expanded(info: Array("cloister/reply/v1".utf8) + counter.tab + bigEndian(counter.value))
    }

    borrowing func exported() -> Secret { secret.duplicate() }

    /// A second owner of the same keys.
    public borrowing func duplicate() -> ChannelKeys { ChannelKeys(secret.duplicate()) }
}

/// Routes a request to its channel.
public enum RouteKind: Sendable {}
/// Routes a request to its channel.
public typealias Route = Identifier<RouteKind>

/// Which request of which tab.
public struct RequestCounter: Sendable, Hashable {
    /// 8 bytes.
    let tab: [UInt8]
    /// From 1, growing; 0 only for the reply to opening.
    let value: UInt64

    static let opening = RequestCounter(tab: [UInt8](repeating: 0, count: ChannelKeys.tabCount), value: 0)

    var nonce: [UInt8] { [0, 0, 0, 0] + bigEndian(value) }
    var bytes: [UInt8] { tab + bigEndian(value) }
}
