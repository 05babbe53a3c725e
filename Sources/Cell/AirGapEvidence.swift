/// What a server can show of its air gap.
public struct AirGapEvidence: Codable, Sendable {
    /// Who set it; nil: it is off, and models may be fetched.
    public let setBy: String?
    /// The network that the first process has: `net:[4026531840]`.
    public let network: String

    /// - Parameter setBy: in words.
    public init(setBy: String?, network: String) { (self.setBy, self.network) = (setBy, network) }
}

extension ConfinedProcess {
    /// The network that a process got for itself because of an air gap, read in `/proc/self` before its lock.
    public struct Network: Codable, Sendable {
        /// The namespace: `net:[4026532218]`.
        public let name: String
        /// What is in it.
        public let interfaces: [String]
        /// The kernel's refusal, as in `EPERM`: it is then where its parent is; nil: there was none.
        public let refusal: String?

        /// A network.
        public init(name: String, interfaces: [String], refusal: String?) {
            (self.name, self.interfaces, self.refusal) = (name, interfaces, refusal)
        }
    }
}
