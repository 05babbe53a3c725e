/// What the process itself can show of its connections.
public struct ProcessEvidence: Codable, Sendable {
    /// One connection.
    public struct Connection: Codable, Sendable {
        /// Our end, address and port.
        public let local: String
        /// The other end.
        public let remote: String
        /// TCP state in words.
        public let state: String

        /// A connection.
        public init(local: String, remote: String, state: String) {
            (self.local, self.remote, self.state) = (local, remote, state)
        }
    }

    /// Where the process listens.
    public var listening: [String]
    /// Connections that the process made itself.
    public var outgoing: [Connection]
    /// Connections that others made to it.
    public var accepted: Int
    /// Where this was read.
    public let source: String
    /// The number of the process.
    public let process: Int
    /// Where the sealed archive lies; empty if it is not a file.
    public var archive = ""
    /// The processes that the kernel holds, and what they tried.
    public var confined: [ConfinedProcess] = []
    /// Whether anything may be fetched; nil: not told.
    public var airGap: AirGapEvidence?

    /// What a process shows that was not asked.
    public static let none = ProcessEvidence(
        listening: [], outgoing: [], accepted: 0, source: "nothing answered", process: 0)

    /// Evidence.
    public init(listening: [String], outgoing: [Connection], accepted: Int, source: String, process: Int) {
        (self.listening, self.outgoing, self.accepted) = (listening, outgoing, accepted)
        (self.source, self.process) = (source, process)
    }
}

/// A process that was locked for its role, and what it tried afterwards.
public struct ConfinedProcess: Codable, Sendable {
    /// One thing that it tried.
    public struct Attempt: Codable, Sendable {
        /// What.
        public let name: String
        /// The kernel's refusal, as in `EPERM`; nil: it succeeded.
        public let refusal: String?
        /// Whether its role may do it.
        public let granted: Bool

        /// An attempt.
        public init(name: String, refusal: String?, granted: Bool) {
            (self.name, self.refusal, self.granted) = (name, refusal, granted)
        }
    }

    /// What it is for.
    public let role: String
    /// Its number.
    public let process: Int
    /// Whether a filter of system calls is in force.
    public let filtered: Bool
    /// Landlock's version in force; nil: none.
    public let landlock: Int?
    /// What this kernel lacks, in words.
    public let lacking: [String]
    /// Empty if it had nothing to aim at.
    public let attempts: [Attempt]
    /// Nil: none was wanted for it.
    public let network: Network?
    /// Where its keys lie: `secret`, `locked` or `ordinary` memory; nil: not told.
    public let keys: String?

    /// A process.
    public init(
        role: String, process: Int, filtered: Bool, landlock: Int?, lacking: [String], attempts: [Attempt],
        network: Network? = nil, keys: String? = nil
    ) {
        (self.role, self.process, self.filtered) = (role, process, filtered)
        (self.network, self.keys) = (network, keys)
        (self.landlock, self.lacking, self.attempts) = (landlock, lacking, attempts)
    }
}
