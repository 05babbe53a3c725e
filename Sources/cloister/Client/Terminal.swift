import Foundation
import Glibc

/// Reads from and writes to the person's terminal.
enum Terminal {
    /// Writes to standard output at once; a reader that has gone away ends the command quietly.
    static func show(_ text: String) {
        do { try FileHandle.standardOutput.write(contentsOf: Data(text.utf8)) } catch { exit(0) }
    }

    /// The same for what names of files and models, or labels, are in.
    static func say(_ text: String) { show(text.harmless) }

    static func note(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text.oneLine + "\n").utf8))
    }

    /// How far long work is, on one line that is written over; nothing where nobody looks.
    static func progress(_ what: String, _ done: Int, _ total: Int) {
        guard isatty(STDERR_FILENO) == 1, total > 0 else { return }
        let line = done < total ? "\r\(what) \(done * 100 / total) %" : "\r\u{1B}[K"
        try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    }

    /// A line, or nil at the end of the input.
    static func line(_ prompt: String) -> String? {
        if isatty(STDIN_FILENO) == 1 { show(prompt) }
        return readLine()
    }

    /// Everything that is piped in, or nil where nothing is.
    static func pipedText() throws -> String? {
        var status = stat()
        guard isatty(STDIN_FILENO) == 0, fstat(STDIN_FILENO, &status) == 0,
            [S_IFIFO, S_IFREG].contains(status.st_mode & S_IFMT)
        else { return nil }
        let data = try FileHandle.standardInput.read(upToCount: pipedLimit + 1) ?? Data()
        guard data.count <= pipedLimit else { throw UserError("more than \(pipedLimit) bytes were piped in") }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw UserError("what was piped in is not UTF-8")
        }
        return text.isEmpty ? nil : text
    }

    private static let pipedLimit = 200_000

    static func ask(_ prompt: String) throws -> String {
        guard let answer = line(prompt), !answer.isEmpty else { throw UserError("a name is needed: --owner NAME") }
        return answer
    }

    /// A line that is not shown.
    static func askSecretly(_ prompt: String) throws -> String {
        guard isatty(STDIN_FILENO) == 1 else { throw UserError("a passphrase is needed: --passphrase-file FILE") }
        show(prompt)
        var old = termios()
        tcgetattr(STDIN_FILENO, &old)
        var quiet = old
        quiet.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &quiet)
        defer {
            tcsetattr(STDIN_FILENO, TCSANOW, &old)
            show("\n")
        }
        guard let answer = readLine(), !answer.isEmpty else { throw UserError("a passphrase is needed") }
        return answer
    }

    /// The first line of a small file.
    static func firstLine(_ path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path), data.count <= 4_096,
            let text = String(validating: data, as: UTF8.self)
        else {
            throw UserError("\(path) cannot be read as a passphrase file")
        }
        let line = String(text.prefix { !$0.isNewline })
        guard !line.isEmpty else { throw UserError("\(path) is empty") }
        return line
    }
}
