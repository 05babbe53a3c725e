import Archive
import Channel
import Cryptography
import Endpoints
import Foundation
import Gateway
import Logging
import Seams

/// The gateway's process: HTTP, the page, the sealed archive.
///
/// It has no key for what it moves and keeps.
enum GatewayRole {
    static func run(_ orders: Orders, _ requests: Descriptor) async throws {
        let process = GatewayProcess(try SeamClient(requests, limits: .control, closed: orders.end))
        try await orders.answer(limits: .connections) { call in
            try await Refusal.told { try await process.answer(call) }
        }
        await process.end()
    }
}

/// The state of the gateway's process.
private actor GatewayProcess {
    private let supervisor: SeamClient
    private var archive: Archive?
    private var doors: Doors?
    private var page: Site?
    private var local: Site?
    private var secure: Site?
    private var endpoints: SeamServer?

    init(_ supervisor: SeamClient) { self.supervisor = supervisor }

    func answer(_ call: ServedCall) async throws {
        switch GatewayOrder(rawValue: call.method) {
        case .begin: try await begin(call)
        case .connection: try await serve(call)
        case .endpoints:
            guard let doors, let archive, let socket = call.descriptors.first else { throw SeamError.malformed }
            endpoints = try EndpointsServer.serve(doors, archive, on: socket)
            try await call.send([])
        case .sockets: try await call.tell(SocketTables.read(call.descriptors))
        case .end:
            end()
            try await call.send([])
        case nil: throw SeamError.malformed
        }
    }

    /// Closes the archive; what follows fails.
    func end() {
        archive?.close()
        archive = nil
    }

    private func begin(_ call: ServedCall) async throws {
        guard archive == nil else { throw SeamError.malformed }
        let order = try call.read(GatewayOrder.Begin.self)
        do {
            let archive = try Archive(folder: order.folder)
            self.archive = archive
            try await archive.expire()
            try open(archive, order)
            try await call.send([try await archive.hasAccounts() ? 1 : 0])
        } catch let error as ArchiveError { throw SeamError.failed(error.encoded) }
    }

    private func open(_ archive: Archive, _ order: GatewayOrder.Begin) throws {
        let logger = Logger.cloister
        let (options, doors) = (GatewayOptions(port: order.port), Doors(supervisor, archive))
        let (limiter, door) = (OpeningLimiter(perMinute: options.openingsPerMinute), GatewayDoor(doors: doors))
        self.doors = doors
        page = Gateway.page(options, limiter, door, logger, others: Door.names)
        secure = try order.secure.map { try Gateway.secure($0, options, limiter, door, logger) }
        local = Gateway.local(options, limiter, door, logger) {
            do throws(ArchiveError) { return try await archive.snapshot() } catch {
                throw DoorRefusal(Refusal(archive: error))
            }
        }
    }

    private func serve(_ call: ServedCall) async throws {
        let site: Site? =
            switch call.payload.first.flatMap(Counter.init) {
            case .local: local
            case .secure: secure
            default: page
            }
        guard let site, let socket = call.descriptors.first else { throw SeamError.malformed }
        await site.serve(dup(socket.raw))
        try await call.send([])
    }
}

/// The gateway as the endpoints reach it.
private enum EndpointsServer {
    static func serve(_ doors: Doors, _ archive: Archive, on socket: Descriptor) throws(SeamError) -> SeamServer {
        try SeamServer(socket, limits: .door) { call in
            try await Refusal.told {
                do { try await answer(call, doors, archive) } catch { throw Refusal(inside: error) }
            }
        }
    }

    private static func answer(_ call: ServedCall, _ doors: Doors, _ archive: Archive) async throws {
        switch EndpointsCall(rawValue: call.method) {
        case .offer: try await call.send(try await doors.offer())
        case .open: try await call.send(try await doors.open(call.payload).reply)
        case .ask:
            var fields = try Fields(decoding: call.payload)
            let (route, action) = (try fields.text(), try fields.text())
            let object = try fields.text()
            let reply = try await doors.ask(
                route: route, action: action, object: object.isEmpty ? nil : object, body: try fields.bytes())
            try await call.send([])
            while let piece = try await reply.next() { try await call.send(piece.bytes) }
        case .health:
            let boxes = try? await archive.sampleBoxes(limit: 256)
            try await call.send([boxes.map { $0.allSatisfy(Box.looksSealed) } ?? false ? 1 : 0])
        case nil: throw SeamError.malformed
        }
    }
}

extension Fields {
    /// One field as text.
    fileprivate mutating func text() throws(SeamError) -> String { String(decoding: try bytes(), as: UTF8.self) }
}
