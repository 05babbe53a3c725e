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
        discussion: """
            Without a prompt it goes on until Ctrl-D; /help lists what else can be typed. Ctrl-C stops an answer; what was
            said is kept, sealed. What is piped in is read as part of the question.

            Examples:
              cloister chat                                     a conversation
              cloister chat "What is stored?"                   one question
              cloister chat --system "Answer in one sentence." "What is a token?"
              cat letter.txt | cloister chat "Summarise this."
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var credential: CredentialOptions
    @Option(help: "A model's name, or a file (GGUF) when no server runs.")
    var model: String?
    @Option(help: "What the model should know and keep to.")
    var system: String?
    @Flag(help: "Write nothing of it to disk.")
    var offRecord = false
    @Argument(help: "What to ask.")
    var prompt: String?

    func run() async throws {
        try await explained {
            let credential = try credential.credential()
            let piped = try Terminal.pipedText()
            let isFile = model?.hasSuffix(".gguf") == true
            let session = try await Session.open(
                credential, try common.settings(["model": isFile ? model : nil]))
            var talk = Talk(session.client, isKept: session.client.opened.keep && !offRecord)
            talk.model = isFile ? nil : model
            if let system { try await talk.frame(system) }
            let asked = [prompt, piped].compactMap(\.self).joined(separator: "\n\n")
            if !asked.isEmpty { try await talk.say(asked) } else { try await converse(&talk) }
            await session.end()
        }
    }

    private func converse(_ talk: inout Talk) async throws {
        var editor = LineEditor()
        while let line = message(&editor) {
            if line.isEmpty { continue }
            do {
                guard let typed = TypedCommand(line) else {
                    try await talk.say(line)
                    continue
                }
                if try await !typed.perform(on: &talk) { return }
            } catch let refusal as Refusal where refusal.code != .locked {
                Terminal.note(refusal.message)
            }
        }
    }

    /// A message: one line, or as many as end with a backslash and the one after them.
    private func message(_ editor: inout LineEditor) -> String? {
        guard var text = editor.read("› ") else { return nil }
        while text.hasSuffix("\\"), let more = editor.read("… ") { text = text.dropLast() + "\n" + more }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
