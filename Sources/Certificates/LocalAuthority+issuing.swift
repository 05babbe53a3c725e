import Cryptography
public import Foundation
import SwiftASN1
import X509

/// What a server shows and proves that it holds.
public struct ServerCertificate: Sendable {
    /// The chain in PEM, its own certificate first.
    public let chain: String
    /// In PEM; private.
    public let key: String
    /// When its own certificate ends.
    public let end: Date
}

extension LocalAuthority {
    /// 397 days; our choice: under the 398 that browsers allow public certificates (and the 825 that Apple allows
    /// private ones), and long enough that a restart a year renews it.
    private static let certificateLife: TimeInterval = 397 * day

    /// Makes a key and a certificate for exactly these names.
    /// - Throws: `notMade`.
    public func issue(for names: [ServerName], now: Date) throws(CertificateError) -> ServerCertificate {
        let key = newCertificateKey()
        let end = min(now + Self.certificateLife, parsed.notValidAfter)
        do {
            let owner = try Certificate.PrivateKey(pemEncoded: key)
            let own = try Certificate(
                version: .v3, serialNumber: .init(), publicKey: owner.publicKey,
                notValidBefore: now - 3_600, notValidAfter: end, issuer: parsed.subject,
                subject: try DistinguishedName { OrganizationName("Cloister") },
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage([.serverAuth])
                    SubjectAlternativeNames(names.map(\.general))
                    SubjectKeyIdentifier(hash: owner.publicKey)
                    AuthorityKeyIdentifier(
                        keyIdentifier: try parsed.extensions.subjectKeyIdentifier?.keyIdentifier)
                }, issuerPrivateKey: signer)
            return ServerCertificate(
                chain: try own.serializeAsPEM().pemString + "\n" + certificate, key: key, end: own.notValidAfter)
        } catch { throw .notMade }
    }

    /// Whether a certificate that it made earlier still serves: its own, for exactly these names, for long enough.
    public func isCurrent(_ made: ServerCertificate, for names: [ServerName], now: Date) -> Bool {
        guard made.end > now + Self.renewal, let own = try? ServerCertificate.parse(made.chain).first else {
            return false
        }
        return own.issuer == parsed.subject && parsed.publicKey.isValidSignature(own.signature, for: own)
            && Set(own.names) == Set(names.map(\.general))
    }
}

extension ServerName {
    var general: GeneralName {
        switch self {
        case .name(let name): .dnsName(name)
        case .address(let bytes): .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
        }
    }
}
