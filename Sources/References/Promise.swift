/// What an answer's head promises, read by hand: whoever sends it chose every byte.
public enum Promise {
    /// SHA-256 in an entity tag, with or without quotes, or after `sha256:`; nil for anything else.
    public static func digest(_ text: String) -> String? {
        var text = text[...]
        if text.hasPrefix("\""), text.hasSuffix("\""), text.utf8.count > 2 { text = text.dropFirst().dropLast() }
        if text.hasPrefix("sha256:") { text = text.dropFirst(7) }
        let isDigest =
            text.utf8.count == 64
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        return isDigest ? String(text) : nil
    }

    /// A strong validator to send back in `If-Range` (RFC 9110 §13.1.5); nil for weak ones and whatever is no tag.
    public static func validator(_ text: String) -> String? {
        let isTag =
            (3...256).contains(text.utf8.count) && text.hasPrefix("\"") && text.hasSuffix("\"")
            && text.utf8.dropFirst().dropLast().allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x22 }
        return isTag ? text : nil
    }

    /// `bytes 5-9/10` as 5, 9, 10 (RFC 9110 §14.4); nil for anything else and for ranges that cannot be.
    public static func range(_ text: String) -> (first: Int, last: Int, all: Int)? {
        guard text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        let ends = parts.first?.split(separator: "-", omittingEmptySubsequences: false) ?? []
        guard parts.count == 2, ends.count == 2, let all = count(parts[1]), let first = count(ends[0]),
            let last = count(ends[1]), first <= last, last < all
        else { return nil }
        return (first, last, all)
    }

    /// A number of bytes; no sign, at most 18 digits.
    public static func count(_ text: some StringProtocol) -> Int? {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
