import ArgumentParser

/// The root command.
struct Cloister: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "cloister",
        abstract: "A private AI on your own machine: chats are computed here and stored sealed.",
        discussion: """
            Examples:
              cloister serve                        open http://localhost:8420 and chat
              cloister models list                  which models this machine has already
              cloister serve --model model.gguf     with a model of your own
              cloister chat "What is stored?"       ask from the terminal
              cloister backup monday.cloister       everything in one sealed file
              cloister doctor                       what is wrong here, if anything
            """,
        version: version,
        subcommands: [
            Serve.self, Connect.self, Init.self, Keys.self, Models.self, Chat.self, Passphrase.self, Backup.self,
            Restore.self,
            Bench.self, Doctor.self, EngineCommand.self, CellsCommand.self,
            ImportFernet.self, ExportFernet.self,
        ])

    /// Runs the command that the arguments name, and ends the process.
    static func run() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch { exit(withError: error) }
    }
}
