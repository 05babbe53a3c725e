/// How many answers are made or wait, for whom, and when it may be worth asking again.
struct AnswerQueue {
    /// Answers that are made at the same time.
    static let places = Batch.passageLimit
    /// *Our choice*: answers of one client that are begun, read or not; somebody else finds places beside them.
    static let placesOfOne = 12
    /// *Our choice*: answers that are made or wait, of all clients and of one; who waits behind so many waits too long.
    static let limit = 128
    static let limitOfOne = 32
    /// Longest time that is named, seconds.
    private static let longestWait = 120.0

    private var owed: [ClientID: Int] = [:]
    private var all = 0
    /// From its arrival to its end, of recent answers, seconds.
    private var usual = 1.0

    var isEmpty: Bool { all == 0 }

    /// Counts an answer.
    /// - Returns: why it is not made, if too many wait.
    mutating func enter(_ client: ClientID) -> FinishReason? {
        let own = owed[client, default: 0]
        guard own < Self.limitOfOne else { return .tooMany(isOwn: true, seconds: wait(own)) }
        guard all < Self.limit else { return .tooMany(isOwn: false, seconds: wait(all)) }
        owed[client] = own + 1
        all += 1
        return nil
    }

    /// An answer is over; `time` after it came.
    mutating func leave(_ client: ClientID, after time: Duration) {
        let own = owed[client, default: 0] - 1
        owed[client] = own > 0 ? own : nil
        all -= 1
        usual = (3 * usual + time / .seconds(1)) / 4
    }

    /// Until one of `count` answers is over: they have begun at different times.
    private func wait(_ count: Int) -> Int { Int(min(max(usual / Double(count), 1), Self.longestWait).rounded(.up)) }
}
