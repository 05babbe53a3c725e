/// What a person or program opens an account with, as it travels inside the opening.
///
/// `docs/formats/channel.md` §2.
public enum Credential: Codable, Sendable, Equatable {
    /// A name and its passphrase.
    case passphrase(name: String, passphrase: String)
    /// A name and its recovery code.
    case recovery(name: String, code: String)
    /// An API token.
    case key(token: String)
    /// The set-up token alone: opens nothing and asks which models there are.
    case look(token: String)
    /// The set-up token with what the first account shall be.
    case create(token: String, name: String, passphrase: String, keep: Bool)
}

/// What the host answers when an account is open.
public struct Opened: Codable, Sendable, Equatable {
    /// 32 hexadecimal characters.
    public let account: String
    /// What the owner is called; empty for an API key.
    public let name: String
    /// Whether conversations are kept.
    public let keep: Bool
    /// `owner` or `key`.
    public let scope: String
    /// Minutes without use after which the session is locked; nil for an API key.
    public let idleMinutes: Int?
    /// The recovery code, only for a new account.
    public let recovery: String?

    /// An answer.
    public init(
        account: String, name: String, keep: Bool, scope: String, idleMinutes: Int? = nil, recovery: String? = nil
    ) {
        (self.account, self.name, self.keep) = (account, name, keep)
        (self.scope, self.idleMinutes, self.recovery) = (scope, idleMinutes, recovery)
    }
}

/// An error as both sides read it, sealed or in the clear.
public struct Refusal: Codable, Error, Sendable, Equatable {
    /// The codes of `docs/formats/actions.md`.
    public enum Code: String, Codable, Sendable {
        case malformed, denied, notFound, wrongCredential, tooManyAttempts, exists, weakPassphrase, busy, overloaded
        case locked, promptTooLong, modelFailed, storeFailed, tampered, unsupported, `internal`
    }

    /// What programs look at.
    public let code: Code
    /// What people read; never anything that they or others wrote.
    public let message: String
    /// Seconds after which the same may go well; nil where time changes nothing, or nobody knows.
    public let retryAfter: Int?

    /// A refusal.
    public init(_ code: Code, _ message: String, retryAfter: Int? = nil) {
        (self.code, self.message, self.retryAfter) = (code, message, retryAfter)
    }
}

/// The JSON envelope of a refusal.
public struct RefusalEnvelope: Codable, Sendable {
    /// The refusal.
    public let error: Refusal
    /// Wraps a refusal.
    public init(_ error: Refusal) { self.error = error }
}
