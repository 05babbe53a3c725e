import Cell
import Channel
import Cryptography
import Foundation
import Gateway
import Seams

/// The gateway's part in people's cells: which route goes to which process. It moves bytes that it has no key for.
actor Doors: CellDoor {
    private final class Door: Sendable {
        let seam: SeamClient
        let gone: Latch

        init(_ socket: Descriptor) throws(SeamError) {
            let gone = Latch()
            seam = try SeamClient(socket, limits: .door) { gone.raise() }
            self.gone = gone
        }
    }

    private let directory: CellDirectory
    private var routes: [String: Door] = [:]
    private var names: [CellName: Door] = [:]

    init(_ directory: CellDirectory) { self.directory = directory }

    func offer() async throws -> [UInt8] { try await directory.offer() }

    func open(_ body: [UInt8]) async throws -> (reply: [UInt8], route: String) {
        do {
            let door = try Door(try await directory.admit(body))
            let answer = try await door.seam.ask(DoorCall.open.rawValue, body)
            var fields = try Fields(decoding: answer.bytes)
            let (reply, route, name) = (try fields.bytes(), Hex.encode(try fields.bytes()), try fields.bytes())
            let isHere = try fields.bytes() == [1]
            enter(route, name, isHere ? door : nil)
            return (reply, route)
        } catch { throw DoorRefusal(translating: error) }
    }

    func ask(route: String, action: String, object: String?, body: [UInt8]) async throws
        -> @Sendable () async -> [UInt8]?
    {
        do {
            let none = [UInt8](repeating: 0, count: 16)
            guard let name = Hex.decode(route), name.count == 16, let place = object.map(Hex.decode) ?? none,
                place.count == 16, action.utf8.count <= 64
            else { throw Refusal(.malformed, "There is no such action.") }
            guard let door = routes[route], !door.gone.isRaised else {
                throw Refusal(.locked, "This session is locked. Unlock it again.")
            }
            let call = try door.seam.call(
                DoorCall.ask.rawValue, Fields(name, Array(action.utf8), place, body).encoded())
            call.finish()
            // The first part says that the request opened; what follows are its pieces.
            guard try await call.next() != nil else { throw SeamError.malformed }
            return { (try? await call.next())?.bytes }
        } catch { throw DoorRefusal(translating: error) }
    }

    /// Notes where a channel is; those of processes that ended are forgotten.
    private func enter(_ route: String, _ name: [UInt8], _ door: Door?) {
        routes = routes.filter { !$0.value.gone.isRaised }
        names = names.filter { !$0.value.gone.isRaised }
        guard let name = try? JSONDecoder().decode(CellName.self, from: Data(name)) else { return }
        if let door { names[name] = door }
        routes[route] = names[name]
    }
}

extension DoorRefusal {
    /// What went wrong, with its status over HTTP.
    init(translating error: any Error) {
        let refusal =
            error as? Refusal ?? (error as? SeamError).map { Refusal($0) }
            ?? Refusal(.internal, "Something went wrong inside.")
        let status =
            switch refusal.code {
            case .malformed: 400
            case .locked: 401
            case .busy: 409
            case .tooManyAttempts: 429
            case .internal, .storeFailed: 500
            default: 403
            }
        self.init(status: status, code: refusal.code.rawValue, message: refusal.message)
    }
}

/// The compatibility door's way to the cells: the gateway's, as any client takes it.
struct DoorCarrier: Carrier {
    let doors: Doors

    func offer() async throws -> [UInt8] { try await doors.offer() }
    func open(_ body: [UInt8]) async throws -> [UInt8] { try await said { try await doors.open(body).reply } }

    func ask(_ route: Route, _ place: Place, _ body: [UInt8]) async throws -> PieceStream {
        let object = place.object == .none ? nil : place.object.hex
        let next = try await said {
            try await doors.ask(route: route.hex, action: place.action, object: object, body: body)
        }
        return PieceStream { send in
            while let piece = await next() {
                do { try await send(piece) } catch { return }
            }
        }
    }

    private func said<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch let door as DoorRefusal {
            throw Refusal(Refusal.Code(rawValue: door.code) ?? .internal, door.message)
        }
    }
}
