import Archive
import Catalogue
import Cell
import Foundation
import Glibc

/// Everything that a running server is made of, joined: this process supervises, and the others do the work.
struct Server {
    let directory: DataDirectory
    let shelf: Shelf
    let cells: CellDirectory
    let front: Front
    let entrance: Entrance
    /// What is shown over TLS; nil if nobody is served beyond loopback.
    let identity: ServerIdentity?
    /// What the first account is made with; nil if there is one.
    let setupToken: String?

    /// Opens the data directory, finds the models, and starts the processes that speak HTTP; the others start when
    /// they are needed.
    static func build(_ settings: Settings) async throws -> Server {
        let directory = try DataDirectory(path: settings.data)
        let secret = try directory.nodeSecret()
        let folder = try directory.archiveFolder()
        let range = SelfTestRange(data: directory.path, isAirGapped: settings.isAirGapped)
        let shelf = try await Shelf(
            settings, own: OwnStore(in: directory.path), reader: EngineProcesses(range: range),
            elsewhere: try settings.engine?.connect())
        let identity = try settings.reach.map { try ServerIdentity($0, in: directory, now: Date()) }
        let entrance = try Entrance(
            port: settings.port, socketPath: LocalSocket.prepare(in: directory.path), reach: settings.reach)
        let cells = try CellDirectory(
            nodeSecret: secret, shelf: shelf, range: range, elsewhere: try await host(of: settings.cells, range))
        let front = Front(
            port: settings.port, folder: folder, secure: settings.reach.flatMap { identity?.options($0) }, range: range,
            cells: cells)
        let setupToken = try await front.open() ? nil : newSetupToken()
        let airGap = AirGapEvidence(settings.airGap)
        await cells.open(setupToken: setupToken) {
            var evidence = await front.evidence()
            evidence.airGap = airGap
            return evidence
        }
        return Server(
            directory: directory, shelf: shelf, cells: cells, front: front, entrance: entrance, identity: identity,
            setupToken: setupToken)
    }

    /// A host of cells that was started by hand; without it nobody can be served here.
    private static func host(of address: StreamAddress?, _ range: SelfTestRange) async throws -> CellsElsewhere? {
        guard let address else { return nil }
        return try await CellsElsewhere(try address.connect(), range) {
            Terminal.note("cloister: the host of the cells is gone, so the server ends")
            kill(getpid(), SIGTERM)
        }
    }

    /// Starts what the first question will need, while the person reads.
    func warmUp() {
        Task { _ = try? await shelf.ready("guide") { _, _ in } }
        Task { await cells.prepareSpare() }
    }

    /// Lets connections in, after this process is sealed.
    func open() async throws {
        try await front.sealFirst()
        try entrance.open { [front, entrance] counter, socket in
            front.hand(counter, socket) { entrance.leave(counter) }
        }
    }

    /// Ends everything, after what is being answered was told so.
    func close() async {
        entrance.close()
        await cells.endAll()
        await front.end()
    }
}
