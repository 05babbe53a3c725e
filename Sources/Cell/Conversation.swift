import Vault

/// A conversation that is open in a cell.
///
/// Off the record, it is the same but for its key, which is never stored, and its changes, which are never written.
struct Conversation {
    var transcript: Transcript
    let kept: Bool
    /// The engine's memory of it, once it was used.
    var sequence: EngineSequence?
    /// Stops the answer that is being made; nil when there is none.
    var stop: (@Sendable () -> Void)?
    var isBusy = false
    /// Changes that wait while one is being written; nil when none is.
    var waiting: [CheckedContinuation<Void, Never>]?
    /// Whether the person stopped the answer before it could be stopped.
    var isStopWanted = false
}
