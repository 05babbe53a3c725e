import ArgumentParser
import Channel
import Foundation

/// Asks for what opens an account.
struct CredentialOptions: ParsableArguments {
    @Option(help: "The owner's name.")
    var owner: String?
    @Option(help: "A file whose first line is the passphrase.")
    var passphraseFile: String?

    func credential() throws -> Credential {
        let name = try owner ?? Terminal.ask("Name: ")
        let passphrase = try passphraseFile.map(Terminal.firstLine) ?? Terminal.askSecretly("Passphrase: ")
        return .passphrase(name: name, passphrase: passphrase)
    }
}

/// `cloister chat`.
struct Chat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Chat in the terminal.",
        discussion:
            "Without a prompt it goes on until an empty line or Ctrl-D. Ctrl-C ends it; what was said is kept, sealed.")

    @OptionGroup var common: CommonOptions
    @OptionGroup var credential: CredentialOptions
    @Option(help: "A model file (GGUF), when no server runs.")
    var model: String?
    @Flag(help: "Write nothing of it to disk.")
    var offRecord = false
    @Argument(help: "What to ask.")
    var prompt: String?

    private struct Created: Decodable, Sendable { let id: String }
    private struct Piece: Decodable, Sendable {
        struct Started: Decodable, Sendable { let droppedTurns: Int }
        struct Loading: Decodable, Sendable { let done, total: Int }
        let loading: Loading?
        let started: Started?
        let text: String?
    }

    func run() async throws {
        try await explained {
            let session = try await Session.open(
                try credential.credential(), try await common.settings(["model": model]))
            let client = session.client
            let keep = client.opened.keep && !offRecord
            let conversation = try await client.ask("conversations.create", ["offRecord": !keep], as: Created.self).id
            if let prompt {
                try await answer(prompt, conversation, client)
            } else {
                while let line = Terminal.line("› "), !line.isEmpty { try await answer(line, conversation, client) }
            }
            await session.end()
        }
    }

    private func answer(_ text: String, _ conversation: String, _ client: ChannelClient) async throws {
        let reply = try await client.ask(
            "conversations.send", object: conversation, try JSONEncoder().encode(["text": text]))
        while let data = try await reply.next() {
            let piece = try JSONDecoder().decode(Piece.self, from: data)
            if let dropped = piece.started?.droppedTurns, dropped > 0 {
                Terminal.note("(the model no longer sees the first \(dropped) messages: the context is full)")
            }
            if let loading = piece.loading { Terminal.progress("loading the model", loading.done, loading.total) }
            if let text = piece.text { Terminal.show(text) }
        }
        Terminal.show("\n")
    }
}
