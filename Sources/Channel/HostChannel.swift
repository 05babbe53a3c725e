public import Cryptography

/// The host's end of an open channel: opens requests in order, once.
public struct HostChannel: ~Copyable, Sendable {
    static let tabLimit = 64

    /// Whose channel.
    public let account: AccountID
    /// Where requests for it are routed.
    public let route: Route
    private let keys: ChannelKeys
    private var accepted: [[UInt8]: UInt64] = [:]

    init(account: AccountID, keys: consuming ChannelKeys) {
        self.account = account
        route = keys.route()
        self.keys = keys
    }

    /// A channel that another process of this node opened.
    /// - Parameter secret: the channel's exporter secret, 32 bytes.
    public init(account: AccountID, secret: consuming Secret) { self.init(account: account, keys: ChannelKeys(secret)) }

    /// The exporter secret, to hand the channel on.
    public borrowing func secret() -> Secret { keys.exported() }

    borrowing func sharedKeys() -> ChannelKeys { keys.duplicate() }

    /// Opens one request.
    /// - Parameter place: what the gateway says the request is for; it opens only if the client meant the same.
    /// - Throws: `refused` for a forgery, a replay or a request out of order; `tooManyTabs` beyond 64 tabs.
    public mutating func open(_ body: [UInt8], place: Place) throws(ChannelError) -> IncomingRequest {
        let request = try SealedRequest(decoding: body)
        let last = accepted[request.counter.tab]
        guard request.counter.value > (last ?? 0) else { throw .refused }
        let content = try request.open(keys, account: account, place: place)
        guard last != nil || accepted.count < Self.tabLimit else { throw .tooManyTabs }
        accepted[request.counter.tab] = request.counter.value
        return IncomingRequest(
            content: content, sealer: ReplySealer(keys, account: account, place: place, counter: request.counter))
    }
}

/// An opened request and what seals its reply.
public struct IncomingRequest: ~Copyable, Sendable {
    /// The request's JSON.
    public let content: [UInt8]
    /// Seals the reply's pieces.
    public var sealer: ReplySealer

    /// Hands the sealer on; the request is used up.
    public consuming func takeSealer() -> ReplySealer { sealer }
}
