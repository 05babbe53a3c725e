import Cell
import Channel
import Foundation

/// What can be typed in `cloister chat` besides messages.
struct TypedCommand {
    private enum Name: String, CaseIterable {
        case help, model, system, new, again, quit

        var explanation: String {
            switch self {
            case .help: "/help            this list"
            case .model: "/model [NAME]    which models there are, or another one from here on"
            case .system: "/system [TEXT]   what the model should know and keep to; without a text: nothing"
            case .new: "/new             begins another conversation"
            case .again: "/again           answers the last question again"
            case .quit: "/quit            ends; Ctrl-D does too"
            }
        }
    }

    private let name: Name?
    private let word: Substring
    private let argument: String

    /// A line that begins with `/` and a letter; nil for a message.
    init?(_ line: String) {
        guard line.hasPrefix("/"), line.dropFirst().first?.isLetter == true else { return nil }
        let parts = line.dropFirst().split(separator: " ", maxSplits: 1)
        guard let first = parts.first else { return nil }
        (word, name) = (first, Name(rawValue: String(first)))
        argument = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
    }

    /// - Returns: whether the conversation goes on.
    func perform(on talk: inout Talk) async throws -> Bool {
        switch name {
        case nil: Terminal.note("there is no /\(word); /help lists what there is")
        case .help: for name in Name.allCases { Terminal.say("  \(name.explanation)\n") }
        case .model where argument.isEmpty: try await list(talk)
        case .model: talk.model = argument
        case .system: try await talk.frame(argument)
        case .new: talk.startAnew()
        case .again: try await talk.retry()
        case .quit: return false
        }
        return true
    }

    private func list(_ talk: Talk) async throws {
        struct Models: Decodable, Sendable { let models: [ModelDescription] }
        let models = try await talk.client.ask("models", [String: String](), as: Models.self).models
        for model in models {
            let isChosen = talk.model.map { $0 == model.id || $0 == model.name } ?? model.standard
            let state = model.obstacles.first.map { "does not run: \($0)" } ?? (model.loaded ? "in memory" : "")
            Terminal.say(
                "\(isChosen ? "*" : " ") \(model.name)  \(model.quantisation)  \(Amount.bytes(model.bytes))  \(state)\n"
            )
        }
    }
}
