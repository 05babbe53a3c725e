/// How much of prompts is read at once, so that those who write are not held up.
struct Pace {
    /// *Our choice*: of the 150 ms after which a stream seems to stop; the rest is for neighbours.
    private static let pause = 0.11
    /// *Our choice*: fewer columns take as long.
    private static let fewest = 16

    /// Of recent steps that read prompts; zero before the first.
    private var secondsPerColumn = 0.0

    /// Most tokens of prompts in the next step.
    func share(someoneWrites: Bool) -> Int {
        guard someoneWrites else { return Batch.columnLimit }
        guard secondsPerColumn > 0 else { return Self.fewest }
        return min(max(Int(Self.pause / secondsPerColumn), Self.fewest), Batch.columnLimit)
    }

    /// How long a step of so many columns took.
    mutating func record(columns: Int, _ time: Duration) {
        guard columns >= Self.fewest else { return }
        let seconds = time / .seconds(1) / Double(columns)
        secondsPerColumn = secondsPerColumn > 0 ? (secondsPerColumn + seconds) / 2 : seconds
    }
}
