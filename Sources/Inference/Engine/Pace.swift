/// How much of prompts is read at once, so that those who write are not held up.
struct Pace {
    /// *Our choice*: of the 150 ms after which a stream seems to stop; the rest is for neighbours.
    private static let pause = 0.11
    /// *Our choice*: columns come in steps of as many as the kernels multiply together; one begun takes as long as a whole.
    private static let step = 16
    /// *Our choice*: fewer columns take nearly as long.
    private static let fewest = 32

    /// Of recent steps that read prompts; zero before the first.
    private var secondsPerColumn = 0.0

    /// Most tokens of prompts in the next step.
    /// - Parameter answers: tokens of answers in it, fewer than `fewest`.
    func share(beside answers: Int) -> Int {
        guard answers > 0 else { return Batch.columnLimit }
        let columns = secondsPerColumn > 0 ? Int(min(Self.pause / secondsPerColumn, Double(Batch.columnLimit))) : 0
        return max(columns / Self.step * Self.step, Self.fewest) - answers
    }

    /// How long a step of so many columns took; only more than all answers together write say how fast prompts are read.
    mutating func record(columns: Int, _ time: Duration) {
        guard columns > Batch.passageLimit else { return }
        let seconds = time / .seconds(1) / Double(columns)
        secondsPerColumn = secondsPerColumn > 0 ? (secondsPerColumn + seconds) / 2 : seconds
    }
}
