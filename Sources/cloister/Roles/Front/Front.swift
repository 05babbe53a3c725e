import Archive
import Cell
import Channel
import Confinement
import Foundation
import Gateway
import Seams
import Synchronization

/// The supervisor's part in HTTP: starts the gateway and the endpoints, hands them their connections, and starts anew
/// what has ended.
actor Front {
    /// *Our choice*: a process that ends at once is started again after this long, and twice as long each time.
    private static let firstPause = Duration.milliseconds(100), longestPause = Duration.seconds(10)
    private static let recently = Duration.seconds(60)

    private let port: Int
    private let folder: String
    private let secure: SecureOptions?
    private let range: SelfTestRange
    private let cells: CellDirectory
    private var gateway: Child?
    private var endpoints: Child?
    private var pause = firstPause
    private var lastStart: ContinuousClock.Instant?
    /// What is being started again.
    private var starting: Set<Role> = []
    private var isEnding = false
    /// What the first process said after it was sealed.
    private var first: SelfReport?
    /// Where connections go at this moment.
    private nonisolated let desks = Mutex<(gateway: SeamClient?, endpoints: SeamClient?)>((nil, nil))

    /// - Parameters:
    ///   - folder: the archive's.
    ///   - secure: what the gateway answers with over TLS; nil: nothing.
    init(port: Int, folder: String, secure: SecureOptions?, range: SelfTestRange, cells: CellDirectory) {
        (self.port, self.folder, self.secure, self.range, self.cells) = (port, folder, secure, range, cells)
    }

    /// Starts both processes.
    /// - Returns: whether the archive has accounts.
    /// - Throws: `ArchiveError`, `UserError`.
    func open() async throws -> Bool {
        try openEndpoints()
        let hasAccounts = try await openGateway()
        try await join()
        return hasAccounts
    }

    /// Seals this process, now that it listens; it and its children connect to nothing from now on.
    /// - Throws: `UserError` if the kernel does not.
    func sealFirst() throws {
        do { first = try FirstProcess.seal(trying: Targets(range.arguments[...])) } catch {
            throw UserError("this kernel did not lock the server (\(error)); it does not run")
        }
    }

    /// Gives a connection to the process that answers on it; one for which there is none is closed.
    /// - Parameter left: called when it has ended.
    nonisolated func hand(_ counter: Counter, _ socket: Descriptor, left: @escaping @Sendable () -> Void) {
        let desk = desks.withLock { counter == .endpoints ? $0.endpoints : $0.gateway }
        let order = counter == .endpoints ? EndpointsOrder.connection.rawValue : GatewayOrder.connection.rawValue
        guard let call = try? desk?.call(order, [counter.rawValue], descriptors: [socket]) else { return left() }
        call.finish()
        Task {
            _ = try? await call.next()
            left()
        }
    }

    /// Ends both processes, after what is being answered was told so.
    func end() async {
        isEnding = true
        _ = try? await gateway?.control.ask(GatewayOrder.end.rawValue, patience: .atOnce)
        (gateway, endpoints) = (nil, nil)
        desks.withLock { $0 = (nil, nil) }
    }

    /// The sockets of this process and of both others, and what holds them.
    func evidence() async -> ProcessEvidence {
        var all = range.marking(SocketTables.read())
        var confined = [first].compactMap { $0 }
        for (child, order) in [
            (gateway, GatewayOrder.sockets.rawValue), (endpoints, EndpointsOrder.sockets.rawValue),
        ] {
            guard let child else { continue }
            if let report = try? await child.report() { confined.append(report) }
            if let held = try? await child.control.ask(
                order, [String](), descriptors: SocketTables.open(), patience: .atOnce, as: ProcessEvidence.self)
            {
                all.add(held)
            }
        }
        all.archive = folder + "/archive.sqlite"
        all.confined = confined.map(\.described)
        return all
    }

    private func openEndpoints() throws {
        endpoints = try Child(
            .endpoints, range: range, limits: .connections,
            ended: { [weak self] in Task { await self?.again(.endpoints) } })
    }

    private func openGateway() async throws -> Bool {
        let child = try Child(.gateway, range: range, folder: folder, limits: .connections) { [cells] call in
            try await Refusal.told { try await Self.answer(call, cells) }
        } ended: { [weak self] in
            Task { await self?.again(.gateway) }
        }
        gateway = child
        let order = GatewayOrder.Begin(port: port, folder: folder, secure: secure)
        let hasAccounts: Bool
        do {
            hasAccounts =
                try await child.control.ask(
                    GatewayOrder.begin.rawValue, Array(try JSONEncoder().encode(order))
                ).bytes == [1]
        } catch let error as SeamError { throw ArchiveError(error) }
        return hasAccounts
    }

    /// Shows the endpoints the way to the gateway.
    private func join() async throws {
        guard let gateway, let endpoints else { return }
        let (near, far) = try Descriptor.pair()
        do {
            _ = try await gateway.control.ask(GatewayOrder.endpoints.rawValue, descriptors: [near])
            _ = try await endpoints.control.ask(
                EndpointsOrder.begin.rawValue, [UInt8(port >> 8 & 0xFF), UInt8(port & 0xFF)], descriptors: [far])
        } catch { throw UserError("the processes of the server could not be connected") }
        desks.withLock { $0 = (gateway.control, endpoints.control) }
    }

    /// Starts a process again that has ended, until one runs.
    ///
    /// With the gateway, what the cells had of the archive is gone: they end, and people unlock again.
    private func again(_ role: Role) async {
        guard !isEnding, starting.insert(role).inserted else { return }
        defer { starting.remove(role) }
        desks.withLock { if role == .gateway { $0.gateway = nil } else { $0.endpoints = nil } }
        if role == .gateway { await cells.endAll() }
        repeat {
            await rest()
            guard !isEnding else { return }
            do {
                if role == .gateway { _ = try await openGateway() } else { try openEndpoints() }
                // If the other one has ended meanwhile, they are joined when it is back.
                try? await join()
                Terminal.note("cloister: the \(role.rawValue) process had ended and was started again")
            } catch {
                Terminal.note(
                    "cloister: the \(role.rawValue) process could not be started again: \(sentence(error)); trying on")
            }
        } while (role == .gateway ? gateway : endpoints)?.isRunning != true
    }

    /// Pauses before a start: twice as long as the last time, if that was just now.
    private func rest() async {
        let isRecent = lastStart.map { ContinuousClock.now - $0 < Self.recently } ?? false
        pause = isRecent ? min(pause * 2, Self.longestPause) : Self.firstPause
        try? await Task.sleep(for: pause)
        lastStart = .now
    }

    private static func answer(_ call: ServedCall, _ cells: CellDirectory) async throws {
        switch GatewayRequest(rawValue: call.method) {
        case .offer: try await call.send(try await cells.offer())
        case .admit:
            let admitted = try await cells.admit(call.payload)
            try await call.send([], descriptors: [admitted.door, admitted.store])
        case nil: throw SeamError.malformed
        }
    }
}

extension ProcessEvidence {
    /// Adds the sockets of another process.
    fileprivate mutating func add(_ other: ProcessEvidence) {
        listening += other.listening
        outgoing += other.outgoing
        accepted += other.accepted
    }
}
