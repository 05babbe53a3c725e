/// A stretch of text that an expression is matched against: scalars, their classes, and where the stretch ends.
///
/// The building blocks of the published expressions as functions: each says where a match that begins at `start` ends,
/// or nil. All are linear.
struct Scan {
    enum Class { case letter, number, space, other }

    let scalars: [Unicode.Scalar]
    let classes: [Class]
    let end: Int

    init(_ scalars: [Unicode.Scalar]) {
        self.scalars = scalars
        classes = scalars.map(Self.classify)
        end = scalars.count
    }

    private init(_ whole: Scan, end: Int) { (scalars, classes, self.end) = (whole.scalars, whole.classes, end) }

    /// The same text, ending at `end`.
    func ending(at end: Int) -> Scan { Scan(self, end: end) }

    /// `'s|'t|'re|'ve|'m|'ll|'d`, in lower case or in any.
    func contraction(_ start: Int, anyCase: Bool) -> Int? {
        guard scalars[start] == "'", start + 1 < end else { return nil }
        func letter(_ index: Int) -> String {
            anyCase ? scalars[index].properties.lowercaseMapping : String(scalars[index])
        }
        let first = letter(start + 1)
        if ["s", "t", "m", "d"].contains(first) { return start + 2 }
        guard start + 2 < end else { return nil }
        return ["re", "ve", "ll"].contains(first + letter(start + 2)) ? start + 3 : nil
    }

    // `[^\r\n\p{L}\p{N}]?\p{L}+`
    func word(_ start: Int) -> Int? {
        var first = start
        if classes[start] != .letter {
            guard classes[start] != .number, !isNewline(start) else { return nil }
            first += 1
        }
        let end = run(from: first, .letter)
        return end > first ? end : nil
    }

    /// ` ?` and one or more of a class.
    func spaced(_ wanted: Class, _ start: Int) -> Int? {
        let first = scalars[start] == " " ? start + 1 : start
        let end = run(from: first, wanted)
        return end > first ? end : nil
    }

    // `\p{N}{1,limit}`
    func digits(_ start: Int, limit: Int) -> Int? {
        let count = min(run(from: start, .number) - start, limit)
        return count > 0 ? start + count : nil
    }

    // ` ?[^\s\p{L}\p{N}]+[\r\n]*`
    func symbols(_ start: Int) -> Int? { spaced(.other, start).map { run(from: $0, while: isNewline) } }

    // `\s*[\r\n]+`
    func lineBreaks(_ start: Int) -> Int? {
        let end = run(from: start, .space)
        return (start..<end).last(where: isNewline).map { $0 + 1 }
    }

    /// `\s+(?!\S)|\s+`: all but the last character if something follows, unless it is the only one.
    func spaces(_ start: Int) -> Int? {
        let last = run(from: start, .space)
        guard last > start else { return nil }
        return last < end && last - start > 1 ? last - 1 : last
    }

    // `\s+$`
    func closingSpaces(_ start: Int) -> Int? {
        let last = run(from: start, .space)
        return last > start && last == end ? last : nil
    }

    /// One or more scalars of a set, behind one white space if `spaced`.
    func some(_ start: Int, spaced: Bool = false, _ isMember: (Unicode.Scalar) -> Bool) -> Int? {
        func members(from first: Int) -> Int? {
            let end = run(from: first) { isMember(scalars[$0]) }
            return end > first ? end : nil
        }
        if spaced, classes[start] == .space, let end = members(from: start + 1) { return end }
        return members(from: start)
    }

    func isNewline(_ index: Int) -> Bool { scalars[index] == "\n" || scalars[index] == "\r" }

    private func run(from start: Int, _ wanted: Class) -> Int { run(from: start) { classes[$0] == wanted } }

    private func run(from start: Int, while holds: (Int) -> Bool) -> Int {
        var index = start
        while index < end, holds(index) { index += 1 }
        return index
    }

    private static func classify(_ scalar: Unicode.Scalar) -> Class {
        if scalar.properties.isWhitespace { return .space }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return .other
        }
    }
}
