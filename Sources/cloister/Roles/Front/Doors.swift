import Archive
import Cell
import Channel
import Cryptography
import Foundation
import Gateway
import Seams

/// The gateway's part in people's cells: which route goes to which process. It moves bytes that it has no key for.
actor Doors {
    /// The way to one cell's process, and what that process has of the archive.
    private final class Door: Sendable {
        let seam: SeamClient
        let gone: Latch
        private let store: SeamServer

        init(_ admitted: Part, _ archive: Archive) throws(SeamError) {
            guard admitted.descriptors.count == 2 else { throw .malformed }
            let gone = Latch()
            seam = try SeamClient(admitted.descriptors[0], limits: .door) { gone.raise() }
            store = try StoreServer.serve(archive, on: admitted.descriptors[1])
            self.gone = gone
        }
    }

    /// *Our choice*: rounds of 5 ms.
    private static let patience = 400

    private let supervisor: SeamClient
    private let archive: Archive
    private var routes: [String: Door] = [:]
    private var names: [CellName: Door] = [:]

    init(_ supervisor: SeamClient, _ archive: Archive) { (self.supervisor, self.archive) = (supervisor, archive) }

    func offer() async throws -> [UInt8] { try await supervisor.ask(GatewayRequest.offer.rawValue).bytes }

    func open(_ body: [UInt8]) async throws -> (reply: [UInt8], route: String) {
        let door = try Door(try await supervisor.ask(GatewayRequest.admit.rawValue, body), archive)
        let answer = try await door.seam.ask(DoorCall.open.rawValue, body)
        var fields = try Fields(decoding: answer.bytes)
        let (reply, route, name) = (try fields.bytes(), Hex.encode(try fields.bytes()), try fields.bytes())
        let isHere = try fields.bytes() == [1]
        await enter(route, name, isHere ? door : nil)
        return (reply, route)
    }

    /// - Returns: the call whose further parts are the pieces of the reply.
    /// - Throws: `Refusal`, `SeamError`.
    func ask(route: String, action: String, object: String?, body: [UInt8]) async throws -> Call {
        let none = [UInt8](repeating: 0, count: 16)
        guard let name = Hex.decode(route), name.count == 16, let place = object.map(Hex.decode) ?? none,
            place.count == 16, action.utf8.count <= 64
        else { throw Refusal(.malformed, "There is no such action.") }
        let door = try door(of: route)
        let call = try door.seam.call(DoorCall.ask.rawValue, Fields(name, Array(action.utf8), place, body).encoded())
        call.finish()
        // The first part says that the request opened; what follows are its pieces.
        guard try await call.next() != nil else { throw SeamError.malformed }
        return call
    }

    /// - Throws: `Refusal` if the route leads nowhere.
    func check(route: String) throws { _ = try door(of: route) }

    private func door(of route: String) throws -> Door {
        guard let door = routes[route], !door.gone.isRaised else {
            throw Refusal(.locked, "This session is locked. Unlock it again.")
        }
        return door
    }

    /// Notes where a channel is; those of processes that ended are forgotten.
    private func enter(_ route: String, _ name: [UInt8], _ door: Door?) async {
        routes = routes.filter { !$0.value.gone.isRaised }
        names = names.filter { !$0.value.gone.isRaised }
        guard let name = try? JSONDecoder().decode(CellName.self, from: Data(name)) else { return }
        if let door { names[name] = door }
        // A process that took a channel over may not have said yet that it is the cell: its own opening is being answered.
        for _ in 0..<Self.patience where names[name] == nil { try? await Task.sleep(for: .milliseconds(5)) }
        routes[route] = names[name]
    }
}

/// The cells as HTTP reaches them.
struct GatewayDoor: CellDoor {
    let doors: Doors

    func offer() async throws -> [UInt8] { try await told { try await doors.offer() } }

    func open(_ body: [UInt8]) async throws -> (reply: [UInt8], route: String) {
        try await told { try await doors.open(body) }
    }

    func check(route: String) async throws { try await told { try await doors.check(route: route) } }

    func ask(route: String, action: String, object: String?, body: [UInt8]) async throws
        -> @Sendable () async -> [UInt8]?
    {
        let call = try await told { try await doors.ask(route: route, action: action, object: object, body: body) }
        return { (try? await call.next())?.bytes }
    }

    private func told<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch { throw DoorRefusal(Refusal(inside: error)) }
    }
}

extension Refusal {
    /// What an error of another process means for the person.
    init(inside error: any Error) {
        self =
            error as? Refusal ?? (error as? SeamError).map { Refusal($0) }
            ?? Refusal(.internal, "Something went wrong inside.")
    }
}

extension DoorRefusal {
    /// A refusal, with its status over HTTP.
    init(_ refusal: Refusal) {
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
