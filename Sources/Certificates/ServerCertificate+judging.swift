public import Foundation
import SwiftASN1
import X509

extension ServerCertificate {
    /// Reads a chain and its key, and judges nothing but that they belong together.
    /// - Throws: `unreadableCertificate`, `unreadableKey`, `mismatch`.
    public init(chain: String, key: String) throws(CertificateError) {
        let certificates = try Self.parse(chain)
        let owner: Certificate.PrivateKey
        do { owner = try Certificate.PrivateKey(pemEncoded: key) } catch { throw .unreadableKey }
        guard owner.publicKey == certificates[0].publicKey else { throw .mismatch }
        (self.chain, self.key, end) = (chain, key, certificates[0].notValidAfter)
    }

    /// Judges whether a server may begin with it.
    /// - Throws: `expired`, `notYetValid`, `lacks`.
    public func check(for names: [ServerName], now: Date) throws(CertificateError) {
        let own = try Self.parse(chain)[0]
        guard own.notValidAfter > now else { throw .expired(own.notValidAfter) }
        guard own.notValidBefore <= now else { throw .notYetValid(own.notValidBefore) }
        let missing = names.filter { name in !own.names.contains { Self.stands($0, for: name) } }
        guard missing.isEmpty else { throw .lacks(missing) }
    }

    /// When the first certificate of a chain in PEM ends.
    /// - Throws: `unreadableCertificate`.
    public static func end(of chain: String) throws(CertificateError) -> Date { try parse(chain)[0].notValidAfter }

    /// - Returns: at least one certificate.
    static func parse(_ chain: String) throws(CertificateError) -> [Certificate] {
        do {
            let all = try PEMDocument.parseMultiple(pemString: chain).map { try Certificate(pemDocument: $0) }
            if !all.isEmpty { return all }
        } catch {}
        throw .unreadableCertificate
    }

    /// A wildcard stands for one label (RFC 9525 §6.3).
    private static func stands(_ general: GeneralName, for name: ServerName) -> Bool {
        switch (general, name) {
        case (.ipAddress(let octets), .address(let bytes)): return Array(octets.bytes) == bytes
        case (.dnsName(let pattern), .name(let name)):
            let pattern = pattern.lowercased()
            guard pattern.hasPrefix("*."), let dot = name.firstIndex(of: ".") else { return pattern == name }
            return name[dot...] == pattern.dropFirst()
        default: return false
        }
    }
}
