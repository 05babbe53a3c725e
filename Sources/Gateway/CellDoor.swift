/// Where the gateway hands sealed bytes in.
///
/// It has no key for them, and imports nothing that could have one.
public protocol CellDoor: Sendable {
    /// The node record with a fresh challenge.
    func offer() async throws -> [UInt8]
    /// Delivers an opening.
    /// - Returns: the sealed reply and the route that the cookie shall carry, 32 hexadecimal characters.
    func open(_ body: [UInt8]) async throws -> (reply: [UInt8], route: String)
    /// Whether a route leads anywhere; who has none shall send no body.
    /// - Throws: `DoorRefusal`.
    func check(route: String) async throws
    /// Delivers a request.
    /// - Returns: the next sealed piece at each call; nil at the end.
    func ask(route: String, action: String, object: String?, body: [UInt8]) async throws
        -> @Sendable () async -> [UInt8]?
}

/// What the door answers in the clear.
public struct DoorRefusal: Error, Sendable, Equatable {
    /// HTTP status.
    public let status: Int
    /// What programs look at.
    public let code: String
    /// What people read.
    public let message: String

    /// A refusal.
    public init(status: Int, code: String, message: String) {
        (self.status, self.code, self.message) = (status, code, message)
    }
}
