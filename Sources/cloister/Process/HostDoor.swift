import Cell
import Channel
import Cryptography
import Gateway

/// Joins the gateway to the cells: its strings become names, refusals become statuses.
struct HostDoor: CellDoor {
    let cells: CellNode

    func offer() async throws -> [UInt8] { try await cells.offer() }

    func open(_ body: [UInt8]) async throws -> (reply: [UInt8], route: String) {
        try await Self.translated {
            let entry = try await cells.receive(body)
            return (entry.reply, entry.route.hex)
        }
    }

    func ask(route: String, action: String, object: String?, body: [UInt8]) async throws
        -> @Sendable () async -> [UInt8]?
    {
        try await Self.translated {
            var identifier = Identifier<Place.ObjectKind>.none
            if let object {
                guard let parsed = Identifier<Place.ObjectKind>(hex: object) else {
                    throw Refusal(.malformed, "An object is named by 32 hexadecimal characters.")
                }
                identifier = parsed
            }
            guard let route = Route(hex: route), let place = try? Place(action: action, object: identifier) else {
                throw Refusal(.malformed, "There is no such action.")
            }
            let stream = try await cells.ask(route, place, body)
            return { await stream.next() }
        }
    }

    /// A refusal's status over HTTP.
    static func translated<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch let refusal as Refusal {
            let status =
                switch refusal.code {
                case .malformed: 400
                case .locked: 401
                case .busy: 409
                case .tooManyAttempts: 429
                default: 403
                }
            throw DoorRefusal(status: status, code: refusal.code.rawValue, message: refusal.message)
        }
    }
}
