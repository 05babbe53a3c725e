/// Finds stop strings in a text that comes in pieces, and holds back what could be the beginning of one.
public struct StopMatcher: Sendable {
    private let stops: [[UInt8]]
    private var held: [UInt8] = []

    /// - Parameter stops: strings at which the text ends; empty ones are ignored.
    public init(_ stops: [String]) { self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty } }

    /// Adds text.
    /// - Returns: what can be shown now, and whether a stop string was reached; it and what follows are not shown.
    public mutating func append(_ text: String) -> (text: String, stopped: Bool) {
        guard !stops.isEmpty else { return (text, false) }
        held += Array(text.utf8)
        if let start = earliestStop() {
            defer { held = [] }
            return (String(decoding: held[..<start], as: UTF8.self), true)
        }
        let safe = held.count - possiblePrefixCount()
        defer { held.removeFirst(safe) }
        return (String(decoding: held[..<safe], as: UTF8.self), false)
    }

    /// What was held back, at the end of the text.
    public mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    private func earliestStop() -> Int? {
        held.indices.first { start in stops.contains { held[start...].starts(with: $0) } }
    }

    /// Length of the longest end of the text that a stop string begins with.
    ///
    /// A stop string begins with a whole character, so none is split.
    private func possiblePrefixCount() -> Int {
        let longest = (stops.map(\.count).max() ?? 1) - 1
        for count in stride(from: min(longest, held.count), to: 0, by: -1) {
            let end = held.suffix(count)
            if stops.contains(where: { $0.starts(with: end) }) { return count }
        }
        return 0
    }
}
