import ArgumentParser
import Foundation

/// `cloister doctor`.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at everything that Cloister needs here, and say what is wrong.",
        discussion: """
            It changes nothing. The exit code is 1 if there is a problem; warnings do
            not count.

            Examples:
              cloister doctor
              cloister doctor --port 9000 --json
              cloister doctor --air-gap
            """)

    @OptionGroup var common: CommonOptions
    @Option(help: "TCP port on loopback (default 8420).")
    var port: Int?
    @Option(help: "The model that would answer: a GGUF file or a name.")
    var model: String?
    @Flag(help: "Look at it as it would be with `serve --air-gap`.")
    var airGap = false
    @Flag(help: "As JSON.")
    var json = false

    private struct Report: Encodable {
        let version: String
        let checks: [Finding]
    }

    func run() async throws {
        try await explained {
            let settings = try common.settings([
                "port": port.map(String.init), "model": model, "air-gap": airGap ? "true" : nil,
            ])
            let findings = try await Examination(settings).evidence().findings
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                let report = try encoder.encode(Report(version: Cloister.version, checks: findings))
                Terminal.show(String(decoding: report, as: UTF8.self) + "\n")
            } else {
                Terminal.show(findings.map(Self.lines).joined(separator: "\n") + "\n")
            }
            guard findings.allSatisfy({ $0.state != .problem }) else { throw ExitCode(1) }
        }
    }

    private static func lines(_ finding: Finding) -> String {
        func column(_ text: String, _ width: Int) -> String {
            text.padding(toLength: width, withPad: " ", startingAt: 0)
        }
        let line = column(finding.state.rawValue, 9) + column(finding.check, 13) + finding.evidence
        return finding.remedy.isEmpty ? line : line + "\n" + column("", 22) + finding.remedy
    }
}
