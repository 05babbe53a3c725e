import Foundation
import Glibc

/// Reads lines from a terminal with editing, a memory of what was typed, and pasted text of many lines as one.
struct LineEditor {
    private enum Key {
        case text(Character), enter, back, delete, left, right, up, down, home, end, clear, interrupt, close, paste(
            String)
    }

    private static let pasteLimit = 1 << 20

    private var memory: [String] = []
    private let input = FileHandle.standardInput

    /// A line, or nil when the person is done (Ctrl-D, or Ctrl-C on an empty line).
    mutating func read(_ prompt: String) -> String? {
        var old = termios()
        guard tcgetattr(STDIN_FILENO, &old) == 0 else { return Terminal.line(prompt) }
        var raw = old
        raw.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG | IEXTEN)
        raw.c_iflag &= ~tcflag_t(IXON | ICRNL)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
        // Bracketed paste: a pasted line break does not send.
        Terminal.show("\u{1B}[?2004h")
        defer {
            Terminal.show("\u{1B}[?2004l")
            tcsetattr(STDIN_FILENO, TCSADRAIN, &old)
        }
        let line = edit(prompt)
        Terminal.show("\n")
        if let line, !line.isEmpty, memory.last != line { memory.append(line) }
        return line
    }

    private func edit(_ prompt: String) -> String? {
        var (text, place, recalled, draft) = ([Character](), 0, memory.count, [Character]())
        draw(prompt, text, place)
        while let key = key() {
            switch key {
            case .enter: return String(text)
            case .close where text.isEmpty: return nil
            case .interrupt:
                if text.isEmpty { return nil }
                (text, place) = ([], 0)
            case .text(let character):
                text.insert(character, at: place)
                place += 1
            case .paste(let pasted):
                text.insert(contentsOf: Array(pasted), at: place)
                place += pasted.count
            case .back where place > 0:
                place -= 1
                text.remove(at: place)
            case .delete where place < text.count, .close where place < text.count: text.remove(at: place)
            case .left: place = max(place - 1, 0)
            case .right: place = min(place + 1, text.count)
            case .home: place = 0
            case .end: place = text.count
            case .clear: (text, place) = (Array(text[place...]), 0)
            case .up where recalled > 0, .down where recalled < memory.count:
                if recalled == memory.count { draft = text }
                if case .up = key { recalled -= 1 } else { recalled += 1 }
                text = recalled == memory.count ? draft : Array(memory[recalled])
                place = text.count
            default: break
            }
            draw(prompt, text, place)
        }
        return text.isEmpty ? nil : String(text)
    }

    /// Line breaks of pasted text are shown as a sign, so that one line stays one line.
    private func draw(_ prompt: String, _ text: [Character], _ place: Int) {
        let shown = text.map { $0.isNewline ? "⏎" : $0 == "\t" ? " " : String($0).harmless }
        let width = windowWidth() - prompt.count - 1
        let first = max(0, place - width)
        let visible = shown[first...].prefix(max(width, 1)).joined()
        let back = shown[first...].prefix(max(width, 1)).count - (place - first)
        Terminal.show("\r\u{1B}[K\(prompt)\(visible)" + (back > 0 ? "\u{1B}[\(back)D" : ""))
    }

    private func windowWidth() -> Int {
        var size = winsize()
        return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 20 ? Int(size.ws_col) : 80
    }

    private func byte() -> UInt8? {
        var byte: UInt8 = 0
        return Glibc.read(STDIN_FILENO, &byte, 1) == 1 ? byte : nil
    }

    private func key() -> Key? {
        guard let first = byte() else { return nil }
        switch first {
        case 13, 10: return .enter
        case 127, 8: return .back
        case 1: return .home
        case 5: return .end
        case 21: return .clear
        case 3: return .interrupt
        case 4: return .close
        case 27: return escaped()
        case 0..<32: return .text(" ")
        default: return character(from: first).map(Key.text) ?? .text("\u{FFFD}")
        }
    }

    /// One character of UTF-8; those that are made of several are typed one after another.
    private func character(from first: UInt8) -> Character? {
        let count = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        let bytes = [first] + (1..<count).compactMap { _ in byte() }
        return String(validating: bytes, as: UTF8.self)?.first
    }

    private func escaped() -> Key? {
        guard let bracket = byte(), bracket == UInt8(ascii: "[") || bracket == UInt8(ascii: "O") else {
            return .text(" ")
        }
        var parameters = ""
        while let next = byte() {
            if (0x30...0x3B).contains(next) {
                parameters.append(Character(Unicode.Scalar(next)))
                continue
            }
            switch (next, parameters) {
            case (UInt8(ascii: "A"), _): return .up
            case (UInt8(ascii: "B"), _): return .down
            case (UInt8(ascii: "C"), _): return .right
            case (UInt8(ascii: "D"), _): return .left
            case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), "1"): return .home
            case (UInt8(ascii: "F"), _), (UInt8(ascii: "~"), "4"): return .end
            case (UInt8(ascii: "~"), "3"): return .delete
            case (UInt8(ascii: "~"), "200"): return pasted()
            default: return .left
            }
        }
        return nil
    }

    /// Everything up to the end of the paste.
    private func pasted() -> Key? {
        let end = Array("\u{1B}[201~".utf8)
        var (bytes, tail) = ([UInt8](), [UInt8]())
        while tail != end, let next = byte() {
            tail.append(next)
            // What is beyond the limit is read and dropped: it must not be taken for keys.
            if tail.count > end.count, case let oldest = tail.removeFirst(), bytes.count < Self.pasteLimit {
                bytes.append(oldest)
            }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        return .paste(text.replacing("\r\n", with: "\n").replacing("\r", with: "\n"))
    }
}
