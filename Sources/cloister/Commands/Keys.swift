import ArgumentParser
import Channel

/// `cloister keys`.
struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "API keys for programs.",
        discussion: """
            Examples:
              cloister keys create --label laptop
              cloister keys list
            """,
        subcommands: [CreateKey.self, ListKeys.self, RevokeKey.self])

    struct Description: Decodable, Sendable { let id, label, created: String }
    struct Listed: Decodable, Sendable { let keys: [Description] }
}

struct CreateKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a key; it is printed once, as the last word.",
        discussion: """
            Examples:
              cloister keys create --label laptop
              cloister keys create --label ci --owner Ada --passphrase-file pass
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var credential: CredentialOptions
    @Option(help: "What the key is for.")
    var label: String

    private struct Created: Decodable, Sendable { let token: String }

    func run() async throws {
        try await explained {
            let session = try await Session.open(try credential.credential(), try common.settings())
            let token = try await session.client.ask("keys.create", ["label": label], as: Created.self).token
            await session.end()
            print("It opens answers and the key's own conversations, nothing else. Shown this once: \(token)")
        }
    }
}

struct ListKeys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the keys.",
        discussion: """
            Examples:
              cloister keys list
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var credential: CredentialOptions

    func run() async throws {
        try await explained {
            let session = try await Session.open(try credential.credential(), try common.settings())
            for key in try await session.client.ask("keys", [String: String](), as: Keys.Listed.self).keys {
                Terminal.say("\(key.id)  \(key.created)  \(key.label.oneLine)\n")
            }
            await session.end()
        }
    }
}

struct RevokeKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Make a key open nothing any more.",
        discussion: """
            Examples:
              cloister keys revoke 0123456789abcdef0123456789abcdef
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var credential: CredentialOptions
    @Argument(help: "The key's id, as `keys list` prints it.")
    var id: String

    private struct Revoked: Decodable, Sendable { let revoked: Bool }

    func run() async throws {
        try await explained {
            let session = try await Session.open(try credential.credential(), try common.settings())
            _ = try await session.client.ask("keys.revoke", object: id, [String: String](), as: Revoked.self)
            await session.end()
            print("Revoked. Its conversations stay yours.")
        }
    }
}
