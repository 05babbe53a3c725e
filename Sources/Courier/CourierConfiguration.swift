public import References

/// Whom the courier may dial, and how much it puts up with.
public struct CourierConfiguration: Sendable {
    /// Those whom the person configured; nobody else is ever dialled.
    public var registries: [Registry]
    /// Whether nothing may be dialled at all.
    public var isAirGapped: Bool
    /// How much of anything it takes.
    public var limits = CourierLimits()

    /// Whom it may dial.
    public init(registries: [Registry], isAirGapped: Bool) {
        (self.registries, self.isAirGapped) = (registries, isAirGapped)
    }
}

/// How much the courier takes and how long it waits.
///
/// *Our choice*, each.
public struct CourierLimits: Sendable {
    /// Until a connection stands, TLS included.
    public var connecting = Duration.seconds(10)
    /// Until an answer's head is there; and without a single byte of its body.
    public var silence = Duration.seconds(30)
    /// For the whole of a listing or manifest.
    public var answering = Duration.seconds(60)
    /// In every such time at least `leastBytes` of a file come.
    public var window = Duration.seconds(60)
    /// Bytes of a file in one window: about 4 KiB/s, slower than any line on which one would wait for a model.
    public var leastBytes = 256 << 10
    /// Bytes of a manifest, which has a few hundred.
    public var manifest = 1 << 20
    /// Bytes of a repository's listing: some ten thousand files.
    public var listing = 4 << 20
    /// Bytes of a model file: larger than any single one today.
    public var file = 512 << 30
    /// Bytes of the disk that stay free beside the model.
    public var reserve = 64 << 20
    /// Times that an answer may send on.
    public var redirects = 5

    /// As documented with each.
    public init() {}
}
