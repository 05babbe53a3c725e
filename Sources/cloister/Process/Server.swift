import Archive
import Catalogue
import Cell
import Foundation

/// Everything that a running server is made of, joined: cells and engines are processes of their own.
struct Server {
    let directory: DataDirectory
    let archive: Archive
    let shelf: Shelf
    let cells: CellDirectory
    let doors: Doors
    /// What the first account is made with; nil if there is one.
    let setupToken: String?

    /// Opens the data directory and finds the models; the processes start when they are needed.
    static func build(_ settings: Settings) async throws -> Server {
        let ground = try await Ground.lay(settings)
        let range = SelfTestRange(data: ground.directory.path)
        let shelf = try Shelf(settings, own: OwnStore(in: ground.directory.path)) {
            try await RemoteEngine.start($0, options: $1, range: range)
        }
        let cells = try CellDirectory(
            nodeSecret: ground.secret, setupToken: ground.setupToken, shelf: shelf, archive: ground.archive,
            range: range, evidence: ground.evidence)
        return Server(
            directory: ground.directory, archive: ground.archive, shelf: shelf, cells: cells, doors: Doors(cells),
            setupToken: ground.setupToken)
    }

    /// Starts what the first question will need, while the person reads.
    func warmUp() {
        Task { _ = try? await shelf.ready("guide") { _, _ in } }
        Task { await cells.prepareSpare() }
    }
}
