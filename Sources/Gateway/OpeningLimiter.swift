/// Bounds how often one address may try to open.
///
/// The durable bound is the account's; this one keeps a flood of guesses from the key stretching.
public actor OpeningLimiter {
    private static let addressLimit = 4_096

    private let perMinute: Int
    private var recent: [String: [ContinuousClock.Instant]] = [:]

    /// - Parameter perMinute: openings of one address in a minute.
    public init(perMinute: Int) { self.perMinute = perMinute }

    /// Counts an attempt.
    /// - Returns: false if the address has to wait.
    func admit(_ address: String) -> Bool {
        let now = ContinuousClock.now
        let within = (recent[address] ?? []).filter { now - $0 < .seconds(60) }
        guard within.count < perMinute else { return false }
        if recent.count >= Self.addressLimit { recent = [:] }
        recent[address] = within + [now]
        return true
    }
}
