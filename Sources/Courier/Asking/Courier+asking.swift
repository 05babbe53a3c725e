public import References

extension Courier {
    /// Asks a service outside; no such service can be configured yet.
    /// - Throws: `CourierError.notConfigured`, always.
    public func ask(_ question: Masked, _ consent: SignedConsent) async throws(CourierError) -> [UInt8] {
        throw .notConfigured("a service outside")
    }

    /// Asks a server in one's own network, at the address that the consent names; none can be configured yet.
    /// - Throws: `CourierError.notConfigured`, always.
    public func askInside(_ question: Masked, _ consent: SignedConsent) async throws(CourierError) -> [UInt8] {
        throw .notConfigured("a server in your own network")
    }
}
