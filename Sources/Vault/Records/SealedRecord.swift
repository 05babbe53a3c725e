/// One record as it is stored.
///
/// Everything but the box is in the clear and bound to it.
public struct SealedRecord: Sendable, Equatable {
    /// What the box holds.
    public enum Kind: UInt8, Sendable {
        /// A turn.
        case turn = 1
        /// Reserved for attachments.
        case attachment = 2
        /// Reserved for the router's decisions.
        case decision = 3
    }

    /// Order of appending, from 0.
    public let ordinal: UInt64
    /// Which place it belongs to.
    public let sequence: UInt64
    /// Which version of that place.
    public let version: UInt32
    /// What the box holds.
    public let kind: UInt8
    /// Generation of the conversation key.
    public let epoch: UInt32
    /// The sealed box.
    public let box: [UInt8]

    /// A record as the archive returned it.
    public init(ordinal: UInt64, sequence: UInt64, version: UInt32, kind: UInt8, epoch: UInt32, box: [UInt8]) {
        (self.ordinal, self.sequence, self.version) = (ordinal, sequence, version)
        (self.kind, self.epoch, self.box) = (kind, epoch, box)
    }
}

/// A conversation's head as it is stored.
public struct SealedHead: Sendable, Equatable {
    /// Grows by one with every change.
    public let version: UInt64
    /// The sealed box.
    public let box: [UInt8]

    /// A head as the archive returned it.
    public init(version: UInt64, box: [UInt8]) { (self.version, self.box) = (version, box) }
}
