import ArgumentParser
import Channel
import Cryptography
import Foundation

/// What the tutorial's `conversations/*.enc` hold, opened: a list of messages.
struct TutorialMessage: Codable, Sendable, Equatable {
    let role: String
    let content: String
    let timestamp: String?
}

/// `cloister import-fernet`.
struct ImportFernet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import-fernet", abstract: "Take over conversations of the tutorial (conversations/*.enc).",
        discussion: """
            All files are opened before the first is taken over: a wrong key changes
            nothing.

            Examples:
              cloister import-fernet conversations --key-file secret.key
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var credential: CredentialOptions
    @Argument(help: "The folder with the .enc files.")
    var folder: String
    @Option(help: "The tutorial's secret.key.")
    var keyFile: String

    struct Imported: Encodable, Sendable {
        struct Turn: Encodable, Sendable { let role, text, time: String }
        let title: String
        let turns: [Turn]
    }
    private struct Reply: Decodable, Sendable { let id: String }

    func run() async throws {
        try await explained {
            let conversations = try FernetFolder(folder, keyFile: keyFile).read()
            let session = try await Session.open(try credential.credential(), try common.settings())
            for (name, messages) in conversations {
                let turns = messages.map {
                    Imported.Turn(role: $0.role, text: $0.content, time: Self.time($0.timestamp))
                }
                _ = try await session.client.ask(
                    "conversations.import", Imported(title: name, turns: turns), as: Reply.self)
            }
            await session.end()
            print(
                "\(conversations.count) conversations were taken over. The .enc files and secret.key are still there: delete them when you have looked."
            )
        }
    }

    /// The tutorial wrote local time without a zone; it is read as UTC, to the second.
    static func time(_ text: String?) -> String {
        let date = text.flatMap { try? Date(String($0.prefix(19)) + "Z", strategy: .iso8601) } ?? Date()
        return date.formatted(.iso8601)
    }
}

/// `cloister export-fernet`.
struct ExportFernet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-fernet", abstract: "Write conversations as the tutorial's files, under a Fernet key.",
        discussion: """
            The files are as safe as the key, no safer: whoever has both reads everything.

            Examples:
              cloister export-fernet folder --key-file secret.key
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var credential: CredentialOptions
    @Argument(help: "The folder to write to.")
    var folder: String
    @Option(help: "A Fernet key file (32 bytes in URL-safe base64).")
    var keyFile: String

    private struct Listed: Decodable, Sendable {
        struct Summary: Decodable, Sendable { let id: String }
        let conversations: [Summary]
    }
    private struct Conversation: Decodable, Sendable {
        struct Turn: Decodable, Sendable { let role, text, time: String }
        let turns: [Turn]
    }

    func run() async throws {
        try await explained {
            let target = try FernetFolder(folder, keyFile: keyFile)
            let session = try await Session.open(try credential.credential(), try common.settings())
            let listed = try await session.client.ask("conversations", [String: String](), as: Listed.self)
                .conversations
            for summary in listed {
                let conversation = try await session.client.ask(
                    "conversations.read", object: summary.id, [String: String](), as: Conversation.self)
                let messages = conversation.turns.map {
                    TutorialMessage(role: $0.role, content: $0.text, timestamp: $0.time)
                }
                try target.write(messages, name: summary.id)
            }
            await session.end()
            print("\(listed.count) conversations were written.")
        }
    }
}

/// A folder of the tutorial's files with their key.
struct FernetFolder: ~Copyable {
    private static let fileLimit = 64 << 20

    private let folder: URL
    private let fernet: Fernet

    init(_ path: String, keyFile: String) throws {
        folder = URL(filePath: path)
        guard let data = FileManager.default.contents(atPath: keyFile),
            let text = String(validating: data, as: UTF8.self),
            let fernet = try? Fernet(key: text)
        else { throw UserError("\(keyFile) is no Fernet key") }
        self.fernet = fernet
    }

    /// Opens every `.enc` file.
    /// - Throws: `UserError` naming the first file that does not open.
    borrowing func read() throws -> [(name: String, messages: [TutorialMessage])] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.filter { $0.hasSuffix(".enc") }
            .sorted()
        guard let names, !names.isEmpty else { throw UserError("there are no .enc files in \(folder.path)") }
        return try names.map { name in
            guard let data = FileManager.default.contents(atPath: folder.appending(path: name).path),
                data.count <= Self.fileLimit,
                let token = String(validating: data, as: UTF8.self),
                let content = try? fernet.open(token.trimmingCharacters(in: .whitespacesAndNewlines)),
                let messages = try? JSONDecoder().decode([TutorialMessage].self, from: Data(content))
            else { throw UserError("\(name) does not open with this key; nothing was taken over") }
            return (String(name.dropLast(4)), messages)
        }
    }

    /// Writes one conversation.
    borrowing func write(_ messages: [TutorialMessage], name: String) throws {
        let content = Array(try JSONEncoder().encode(messages))
        let token = try fernet.seal(content, time: UInt64(Date().timeIntervalSince1970))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(token.utf8).write(to: folder.appending(path: name + ".enc"), options: .withoutOverwriting)
    }
}
