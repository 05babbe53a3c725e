/// Why a call over a seam did not end well.
public enum SeamError: Error, Sendable, Equatable {
    /// The other process is gone, or this end was closed.
    case closed
    /// The call was cancelled on this side.
    case cancelled
    /// The other side sent what `docs/formats/seams.md` does not allow; the seam is closed.
    case malformed
    /// The other side answered that it could not; in words of the protocol above.
    case failed([UInt8])
    /// A payload over the seam's limit, or too many calls at once; nothing was sent.
    case tooLarge
}
