import Channel
import Cryptography
import Endpoints
import Foundation
import Gateway
import Seams

/// The endpoints' process: speaks for programs that cannot seal.
///
/// It sees their plaintext, and reaches nothing but the gateway.
enum EndpointsRole {
    static func run(_ orders: Orders) async throws {
        let process = EndpointsProcess()
        try await orders.answer(limits: .connections) { call in try await process.answer(call) }
    }
}

/// The state of the endpoints' process.
private actor EndpointsProcess {
    private var site: Site?

    func answer(_ call: ServedCall) async throws {
        switch EndpointsOrder(rawValue: call.method) {
        case .begin:
            guard let socket = call.descriptors.first, call.payload.count == 2 else { throw SeamError.malformed }
            site = Self.site(try SeamClient(socket, limits: .door), port: call.payload.reduce(0) { $0 << 8 | Int($1) })
            try await call.send([])
        case .connection:
            guard let site, let socket = call.descriptors.first else { throw SeamError.malformed }
            await site.serve(dup(socket.raw))
            try await call.send([])
        case .sockets: try await call.tell(SocketTables.read(call.descriptors))
        case nil: throw SeamError.malformed
        }
    }

    private static func site(_ gateway: SeamClient, port: Int) -> Site {
        let options = GatewayOptions(port: port)
        let door = Door(carrier: DoorCarrier(gateway: gateway), version: Cloister.version) {
            let answer = try? await gateway.ask(EndpointsCall.health.rawValue)
            return Door.Health(device: "cpu", isSealed: answer?.bytes == [1])
        }
        return Site(
            options, hosts: options.hosts, origins: options.origins, logger: .cloister,
            isElsewhere: { !Door.names.contains($0) }, routes: { door.add(to: $0) })
    }
}

/// The endpoints' way to the cells: through the gateway, as any client's.
private struct DoorCarrier: Carrier {
    let gateway: SeamClient

    func offer() async throws -> [UInt8] {
        try await said { try await gateway.ask(EndpointsCall.offer.rawValue).bytes }
    }

    func open(_ body: [UInt8]) async throws -> [UInt8] {
        try await said { try await gateway.ask(EndpointsCall.open.rawValue, body).bytes }
    }

    func ask(_ route: Route, _ place: Place, _ body: [UInt8]) async throws -> PieceStream {
        let object = place.object == .none ? "" : place.object.hex
        let call = try await said {
            let call = try gateway.call(
                EndpointsCall.ask.rawValue,
                Fields(Array(route.hex.utf8), Array(place.action.utf8), Array(object.utf8), body).encoded())
            call.finish()
            guard try await call.next() != nil else { throw SeamError.malformed }
            return call
        }
        return PieceStream { send in
            while let piece = try? await call.next() {
                do { try await send(piece.bytes) } catch { return }
            }
        }
    }

    private func said<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch let error as SeamError { throw Refusal(error) }
    }
}
