/// What carries sealed bytes from a client to a cell and back: in the same process, or over HTTP.
///
/// It has no key.
public protocol Carrier: Sendable {
    /// The node record with a fresh challenge.
    func offer() async throws -> [UInt8]
    /// Delivers an opening.
    /// - Returns: the one reply piece.
    /// - Throws: a `Refusal` where the host answered in the clear.
    func open(_ body: [UInt8]) async throws -> [UInt8]
    /// Delivers a request.
    /// - Throws: a `Refusal` where the host answered in the clear.
    func ask(_ route: Route, _ place: Place, _ body: [UInt8]) async throws -> PieceStream
}
