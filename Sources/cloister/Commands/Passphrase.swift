import ArgumentParser
import Channel

/// `cloister passphrase`.
struct Passphrase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The passphrase.",
        discussion: """
            Examples:
              cloister passphrase change
            """,
        subcommands: [ChangePassphrase.self])
}

struct ChangePassphrase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change", abstract: "Change it. An older copy of the disk still opens with the old one.",
        discussion: """
            Examples:
              cloister passphrase change
              cloister passphrase change --owner Ada --new-passphrase-file new
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var credential: CredentialOptions
    @Option(help: "A file whose first line is the new passphrase.")
    var newPassphraseFile: String?

    private struct Changed: Decodable, Sendable { let changed: Bool }

    func run() async throws {
        try await explained {
            let credential = try credential.credential()
            guard case .passphrase(_, let current) = credential else { return }
            let new = try newPassphraseFile.map(Terminal.firstLine) ?? Terminal.askSecretly("New passphrase: ")
            if newPassphraseFile == nil, try Terminal.askSecretly("Again: ") != new {
                throw UserError("the two are not the same")
            }
            let session = try await Session.open(credential, try common.settings())
            _ = try await session.client.ask("passphrase.change", ["current": current, "new": new], as: Changed.self)
            await session.end()
            print("Changed.")
        }
    }
}
