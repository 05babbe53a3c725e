import Cryptography
public import Foundation
import SwiftASN1
import X509

/// A certificate authority of one Cloister: made once, kept beside its data, trusted by whoever chooses to.
///
/// It can vouch for its host list and nothing else (name constraints, RFC 5280 §4.2.1.10), so that a stolen one opens
/// no other site to anybody.
public struct LocalAuthority: Sendable {
    /// Ten years; our choice: trusting it is work on every machine.
    private static let life: TimeInterval = 3_650 * day
    /// What is left of a certificate when another is made in its place.
    public static let renewal: TimeInterval = 30 * day
    static let day: TimeInterval = 86_400

    /// In PEM.
    public let certificate: String
    /// In PEM; private.
    public let key: String
    /// What people compare before they trust it.
    public let fingerprint: Fingerprint
    let parsed: Certificate
    let signer: Certificate.PrivateKey

    /// Makes an authority for exactly these names.
    /// - Throws: `notMade`.
    public static func make(for names: [ServerName], now: Date) throws(CertificateError) -> LocalAuthority {
        let key = newCertificateKey()
        do {
            let signer = try Certificate.PrivateKey(pemEncoded: key)
            let tag = randomBytes(4).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            let subject = try DistinguishedName {
                OrganizationName("Cloister")
                CommonName("Cloister authority \(tag)")
            }
            let certificate = try Certificate(
                version: .v3, serialNumber: .init(), publicKey: signer.publicKey,
                notValidBefore: now - day, notValidAfter: now + life, issuer: subject, subject: subject,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true))
                    Critical(constraints(names))
                    try ExtendedKeyUsage([.serverAuth])
                    SubjectKeyIdentifier(hash: signer.publicKey)
                }, issuerPrivateKey: signer)
            return try LocalAuthority(certificate: certificate.serializeAsPEM().pemString, key: key)
        } catch { throw .notMade }
    }

    /// Reads one that was made earlier.
    /// - Throws: `unreadableCertificate`, `unreadableKey`, `mismatch`.
    public init(certificate: String, key: String) throws(CertificateError) {
        do { parsed = try Certificate(pemEncoded: certificate) } catch { throw .unreadableCertificate }
        do { signer = try Certificate.PrivateKey(pemEncoded: key) } catch { throw .unreadableKey }
        guard parsed.publicKey == signer.publicKey else { throw .mismatch }
        fingerprint = try parsed.fingerprint()
        (self.certificate, self.key) = (certificate, key)
    }

    /// Whether it may vouch for all of these names for long enough.
    public func covers(_ names: [ServerName], now: Date) -> Bool {
        guard parsed.notValidAfter > now + Self.renewal, let own = try? parsed.extensions.nameConstraints else {
            return false
        }
        let (domains, ranges) = (Set(own.permittedDNSDomains), Set(own.permittedIPRanges.map { Array($0.bytes) }))
        return names.allSatisfy { name in
            switch name {
            case .name(let name): domains.contains { name == $0 || name.hasSuffix("." + $0) }
            case .address(let bytes): ranges.contains(Self.range(bytes))
            }
        }
    }

    /// A kind of name of which there is none is excluded whole: what no constraint names would be free.
    private static func constraints(_ names: [ServerName]) -> NameConstraints {
        var (domains, ranges): ([String], [ASN1OctetString]) = ([], [])
        for name in names {
            switch name {
            case .name(let name): domains.append(name)
            case .address(let bytes): ranges.append(ASN1OctetString(contentBytes: range(bytes)[...]))
            }
        }
        let everyAddress = [8, 32].map { ASN1OctetString(contentBytes: [UInt8](repeating: 0, count: $0)[...]) }
        return NameConstraints(
            permittedDNSDomains: domains, excludedDNSDomains: domains.isEmpty ? [""] : [],
            permittedIPRanges: ranges, excludedIPRanges: ranges.isEmpty ? everyAddress : [])
    }

    /// One address as a range: itself, and a mask of ones.
    private static func range(_ bytes: [UInt8]) -> [UInt8] { bytes + bytes.map { _ in 0xFF } }
}
