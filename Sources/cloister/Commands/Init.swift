import ArgumentParser
import Archive
import Cell
import Channel
import Foundation
import Glibc

/// `cloister init`.
struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create the owner without the page.",
        discussion: """
            The recovery code opens the account when the passphrase is forgotten. It is
            shown once; nobody can make it again.

            Examples:
              cloister init --owner Ada --passphrase-file pass
              cloister init --owner Ada --passphrase-file pass --recovery-out code
            """
    )

    @OptionGroup var common: CommonOptions
    @Option(help: "The owner's name.")
    var owner: String
    @Option(help: "A file whose first line is the passphrase.")
    var passphraseFile: String
    @Option(help: "Write the recovery code to this new file instead of the screen.")
    var recoveryOut: String?
    @Flag(help: "Keep no conversations unless asked to.")
    var keepNothing = false

    func run() async throws {
        try await explained {
            let settings = try common.settings()
            let passphrase = try Terminal.firstLine(passphraseFile)
            guard !DataDirectory.isHeld(path: settings.data) else {
                throw UserError("a server runs on this data directory; create the owner with the link that it printed")
            }
            let node = try await Node.build(settings)
            guard let token = node.setupToken else { throw UserError("this data directory has an owner already") }
            let client = try await ChannelClient(
                .create(token: token, name: owner, passphrase: passphrase, keep: !keepNothing), over: node.cells,
                pinned: nil,
                now: UInt64(Date().timeIntervalSince1970))
            let code = client.opened.recovery ?? ""
            if let recoveryOut {
                try write(code, to: recoveryOut)
                print("The owner was created. The recovery code is in \(recoveryOut): move it away from this machine.")
            } else {
                print("The owner was created. Recovery code, shown this once:\n\n  \(code)\n")
            }
            await node.cells.host.closeAll()
            node.archive.close()
        }
    }

    private func write(_ code: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw UserError("\(path) exists already or cannot be written; the code was not saved")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data((code + "\n").utf8))
        try handle.synchronize()
    }
}
