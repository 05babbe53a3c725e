import Archive
import Cell
import Channel
import Foundation

/// The command line's way to the cells: over the local socket if a server runs, else in this process.
///
/// One of the two holds the archive, never both.
struct Session {
    let client: ChannelClient
    private let node: Node?

    static func open(_ credential: Credential, _ settings: Settings) async throws -> Session {
        var node: Node?
        let carrier: any Carrier
        if DataDirectory.isHeld(path: settings.data) {
            carrier = HTTPCarrier.local(LocalSocket.path(in: try absolute(settings.data)))
        } else {
            let built = try await Node.build(settings)
            node = built
            carrier = built.cells
        }
        let pins = KnownNodes(environment: ProcessInfo.processInfo.environment)
        let place = try absolute(settings.data)
        let client = try await ChannelClient(
            credential, over: carrier, pinned: pins.fingerprint(of: place), now: UInt64(Date().timeIntervalSince1970))
        try pins.pin(client.fingerprint, for: place)
        return Session(client: client, node: node)
    }

    /// Closes what was opened.
    func end() async {
        struct Closed: Decodable { let closed: Bool }
        _ = try? await client.ask("close", [String: String](), as: Closed.self)
        await node?.cells.host.closeAll()
        node?.archive.close()
    }

    static func absolute(_ path: String) throws -> String {
        URL(filePath: path).standardizedFileURL.path
    }
}
