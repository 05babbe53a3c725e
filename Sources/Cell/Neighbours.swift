import Cryptography
public import Foundation
import Vault

/// One open channel, in the list that its owner sees.
public struct SessionDescription: Codable, Sendable {
    /// Names it; opens nothing.
    public let id: String
    /// When it was opened, and when it was last asked for something.
    public let opened, lastUse: Date
    /// `owner` or `key`.
    public let scope: String
    /// Whether it is the one that asks.
    public var own: Bool
}

/// Whose cell, and of which of their keys.
public struct CellName: Hashable, Codable, Sendable {
    /// The account, 32 hexadecimal characters.
    public let account: String
    /// The scope of an API key, or that of the owner.
    public let scope: String

    init(_ account: AccountID, _ scope: ScopeID) { (self.account, self.scope) = (account.hex, scope.hex) }

    /// Whether it is the owner's own.
    public var isOwners: Bool { scope == ScopeID.none.hex }
}

/// What a host asks of those around it: there is one cell of each name, wherever it is.
public protocol Neighbours: Sendable {
    /// Whether a set-up token is the one that was printed and no account was made with it yet.
    func isSetup(_ token: String) async -> Bool
    /// The first account was made.
    func finishSetup() async
    /// Asks for the right to be the only cell of a name; false if another host has it.
    func claim(_ name: CellName) async -> Bool
    /// Gives a sealed channel to the host that has the cell.
    /// - Throws: a `Refusal` if that host does not take it.
    func handOver(_ channel: [UInt8], to name: CellName) async throws
    /// The open channels of an account in other hosts.
    func sessions(besides name: CellName) async -> [SessionDescription]
    /// Closes a channel of the account in another host; whether there was one.
    func closeSession(_ id: String, besides name: CellName) async -> Bool
    /// Ends the cells of the account's API keys in other hosts.
    func endKeys(of name: CellName) async
    /// Lets a process of each role try to break out.
    func breakOut() async throws -> [ConfinedProcess]
}

/// A host with nobody around it: all cells are its own.
public actor Alone: Neighbours {
    private var setupToken: String?

    /// - Parameter setupToken: what the first account is made with; nil if there is one.
    public init(setupToken: String?) { self.setupToken = setupToken }

    /// Compares in constant time.
    public func isSetup(_ token: String) -> Bool {
        guard let setupToken else { return false }
        return Secret(sha256(Array(setupToken.utf8))).matches(Secret(sha256(Array(token.utf8))))
    }

    /// Forgets the token.
    public func finishSetup() { setupToken = nil }
    /// Nobody else has it.
    public func claim(_ name: CellName) -> Bool { true }
    /// Nobody else takes it.
    public func handOver(_ channel: [UInt8], to name: CellName) {}
    /// None.
    public func sessions(besides name: CellName) -> [SessionDescription] { [] }
    /// None.
    public func closeSession(_ id: String, besides name: CellName) -> Bool { false }
    /// None.
    public func endKeys(of name: CellName) {}
    /// None.
    public func breakOut() -> [ConfinedProcess] { [] }
}
