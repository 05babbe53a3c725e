/// How much one side of a seam lets the other do.
///
/// Both sides are made with the same ones; who exceeds them is cut off.
public struct SeamLimits: Sendable {
    /// Largest payload of one part, bytes.
    public var payload: Int
    /// Most descriptors beside one part, at most 4; with none, the kernel drops any that are sent.
    public var descriptors: Int
    /// Calls at once.
    public var calls: Int
    /// Parts of one call in one direction that may be on their way.
    public var window: Int

    /// Limits with the documented defaults; `docs/formats/seams.md` §2.
    public init(payload: Int = 2 << 20, descriptors: Int = 0, calls: Int = 1_024, window: Int = 16) {
        (self.payload, self.descriptors, self.calls, self.window) = (payload, descriptors, calls, window)
    }
}

/// One part of a request or of an answer.
public struct Part: Sendable {
    /// What it says.
    public let bytes: [UInt8]
    /// What it hands over.
    public let descriptors: [Descriptor]

    /// A part.
    public init(_ bytes: [UInt8], descriptors: [Descriptor] = []) {
        (self.bytes, self.descriptors) = (bytes, descriptors)
    }
}
