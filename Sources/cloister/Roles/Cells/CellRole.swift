import Cell
import Channel
import Cryptography
import Foundation
import Glibc
import Seams

/// A person's process: their keys and plaintext, and nothing of anybody else.
///
/// It judges one opening and either becomes that person's cell or hands the channel to the process that is it already.
/// Its end is the wipe.
enum CellRole {
    static func run(_ orders: Orders, _ requests: Descriptor) async throws {
        let supervisor = try SeamClient(requests, limits: .control, closed: orders.end)
        let process = CellProcess(supervisor, end: orders.end)
        try await orders.answer { call in try await Refusal.told { try await process.answer(call) } }
    }
}

/// The state of a cell's process.
private actor CellProcess {
    private static let sweepSeconds = 15.0

    private let supervisor: SeamClient
    private let end: @Sendable () -> Void
    private var host: CellHost?
    private var admission: [UInt8]?
    private var door: SeamServer?
    private var wasUnused = false
    private var isOpening = false
    private var isEnding = false

    init(_ supervisor: SeamClient, end: @escaping @Sendable () -> Void) {
        (self.supervisor, self.end) = (supervisor, end)
    }

    func answer(_ call: ServedCall) async throws {
        switch CellOrder(rawValue: call.method) {
        case .begin: try begin(call)
        case .adopt:
            var fields = try Fields(decoding: call.payload)
            let name = try JSONDecoder().decode(CellName.self, from: Data(try fields.bytes()))
            guard let host, !isEnding else { throw Refusal(.busy, "This session is being locked. Try again.") }
            try await host.adopt(try fields.bytes(), for: name)
        case .sessions: return try await call.tell(await host?.sessions() ?? [])
        case .closeSession:
            let wasThere = await host?.closeSession(String(decoding: call.payload, as: UTF8.self)) ?? false
            try await call.send([wasThere ? 1 : 0])
            return await endIfUnused()
        case .end:
            try await call.send([])
            await host?.closeAll()
            return await endIfUnused()
        case nil: throw SeamError.malformed
        }
        try await call.send([])
    }

    private func begin(_ call: ServedCall) throws {
        guard host == nil, call.descriptors.count == 2 else { throw SeamError.malformed }
        var fields = try Fields(decoding: call.payload)
        admission = try fields.bytes()
        let lookupKey = Secret(try fields.bytes())
        let archive = RemoteArchive(seam: try SeamClient(call.descriptors[1], limits: .store))
        host = CellHost(
            lookupKey: lookupKey, store: ArchiveStore(archive: archive), models: RemoteShelf(supervisor),
            neighbours: RemoteNeighbours(supervisor: supervisor),
            permit: { [supervisor] in try await StretchPermit(supervisor) },
            emptied: { [self] in Task { await endIfUnused() } },
            evidence: { [supervisor] in await RemoteNeighbours(supervisor: supervisor).evidence() })
        door = try SeamServer(call.descriptors[0], limits: .door) { [self] call in
            // Not in the call: the end waits until every call is told.
            defer { Task { await endIfUnused() } }
            try await Refusal.told { try await answerDoor(call) }
        }
        Task { try await sweepForever() }
    }

    private func answerDoor(_ call: ServedCall) async throws {
        guard let host else { throw SeamError.malformed }
        switch DoorCall(rawValue: call.method) {
        case .open:
            guard var bytes = admission else { throw SeamError.malformed }
            (admission, isOpening) = (nil, true)
            defer {
                bytes.erase()
                isOpening = false
            }
            let now = UInt64(Date().timeIntervalSince1970)
            let entry = try await host.receive(call.payload, by: Admission(decoding: bytes, now: now))
            let name = try entry.name.map { Array(try JSONEncoder().encode($0)) } ?? []
            let isHere = await !host.isEmpty
            try await call.send(Fields(entry.reply, entry.route.bytes, name, [isHere ? 1 : 0]).encoded())
        case .ask:
            var fields = try Fields(decoding: call.payload)
            let route = try Route(bytes: try fields.bytes())
            let action = String(decoding: try fields.bytes(), as: UTF8.self)
            let object = try Identifier<Place.ObjectKind>(bytes: try fields.bytes())
            let pieces = try await host.ask(route, Place(action: action, object: object), try fields.bytes())
            try await call.send([])
            for await piece in pieces { try await call.send(piece) }
        case nil: throw SeamError.malformed
        }
    }

    private func sweepForever() async throws {
        while true {
            try await Task.sleep(for: .seconds(Self.sweepSeconds))
            await sweep()
        }
    }

    private func sweep() async {
        guard let host else { return }
        await host.sweep()
        // Somebody's program may come back soon; its cell waits for one round.
        let isUnused = await host.sessions().isEmpty && !isOpening
        if isUnused, wasUnused { await host.closeAll() }
        wasUnused = isUnused
        await endIfUnused()
    }

    /// Ends the process when there is nothing more to keep, after what was being answered is told.
    private func endIfUnused() async {
        guard let host, admission == nil, !isOpening, !isEnding, await host.isEmpty, !isEnding else { return }
        isEnding = true
        await door?.drain()
        end()
    }
}

/// The right to stretch a passphrase; given back when nobody holds it any more.
private final class StretchPermit: Sendable {
    private let call: Call

    init(_ supervisor: SeamClient) async throws {
        do {
            call = try supervisor.call(CellRequest.stretch.rawValue)
            _ = try await call.next()
        } catch { throw Refusal(error) }
    }
}
