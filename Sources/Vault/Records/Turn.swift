public import Foundation

/// One thing that was said, as it is sealed.
public struct Turn: Codable, Sendable, Equatable {
    /// Who said it.
    public enum Role: String, Codable, Sendable {
        /// The person.
        case user
        /// The model.
        case assistant
        /// An instruction that frames the conversation.
        case system
    }

    /// Who said it.
    public let role: Role
    /// What was said.
    public let text: String
    /// When, to the second, UTC.
    public let time: Date
    /// Whether the answer was stopped before its end.
    public let stopped: Bool
    /// Which model answered; nil for the person.
    public let model: String?

    /// A turn.
    public init(role: Role, text: String, time: Date, stopped: Bool = false, model: String? = nil) {
        (self.role, self.text, self.time, self.stopped, self.model) = (role, text, time, stopped, model)
    }
}

/// A turn at its place in a conversation.
public struct PlacedTurn: Sendable, Equatable {
    /// Place in the conversation, from 0.
    public let sequence: UInt64
    /// How often this place was written before.
    public let version: UInt32
    /// The turn itself.
    public let turn: Turn
}
