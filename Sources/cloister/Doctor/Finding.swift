/// One thing that the doctor looked at: what was seen, and what to do about it.
struct Finding: Encodable, Equatable {
    enum State: String, Encodable {
        case ok, warning, problem
    }

    /// A word that stays the same from version to version.
    let check: String
    let state: State
    let evidence: String
    /// Empty if nothing is to be done.
    let remedy: String

    static func ok(_ check: String, _ evidence: String) -> Finding {
        Finding(check: check, state: .ok, evidence: evidence, remedy: "")
    }

    static func warning(_ check: String, _ evidence: String, remedy: String) -> Finding {
        Finding(check: check, state: .warning, evidence: evidence, remedy: remedy)
    }

    static func problem(_ check: String, _ evidence: String, remedy: String) -> Finding {
        Finding(check: check, state: .problem, evidence: evidence, remedy: remedy)
    }
}
