import ArgumentParser
import Confinement
import Foundation
import UnixSignals

/// `cloister cells`.
struct CellsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cells",
        abstract: "Run people's cells by hand, for a Cloister that is elsewhere on this machine or its host.",
        discussion: """
            Keys and text of whoever unlocks are in processes here; the Cloister that uses
            them keeps the sealed archive and the models, and still speaks for programs
            that cannot seal (/v1, /api). Who reaches the address can have cells started,
            and opens none without a passphrase. A Unix socket is this user's alone; vsock
            is open to the machine and its guests.

            Examples:
              cloister cells --listen unix:/run/user/1000/cells.sock
              cloister cells --listen vsock:8431
            """)

    @Option(help: "unix:/path, or vsock:PORT.")
    var listen: String

    func run() async throws {
        try await explained {
            let address = try StreamAddress(listen)
            let stops = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            let range = SelfTestRange(data: FileManager.default.temporaryDirectory.path + "/none", isAirGapped: false)
            let listener = try address.listen()
            try FirstProcess.sealed(range)
            let host = HostOfCells(range: range)
            StreamAddress.serve(from: listener) { trunk in
                do { try await host.serve(trunk) } catch { Terminal.note("cloister: \(sentence(error))") }
            }
            Terminal.say("a host of cells waits at \(listen.oneLine)\n")
            for await _ in stops { break }
            address.close()
        }
    }
}

extension CellsCommand: Supervising {
    func folders() throws -> [Purpose: String] { try StreamAddress(listen).folders }
}
