import SwiftASN1
import X509

/// An authority that a client was told to trust, and nobody else: by its certificate, or by its fingerprint, in which
/// case the server has to show it.
public struct TrustedAuthority: Sendable {
    private enum Root: Sendable {
        case certificates([Certificate])
        case fingerprint(Fingerprint)
    }

    private let root: Root

    /// From one or more certificates in PEM.
    /// - Throws: `unreadableCertificate`.
    public init(certificates: String) throws(CertificateError) {
        root = .certificates(try ServerCertificate.parse(certificates))
    }

    /// By what people compared.
    public init(_ fingerprint: Fingerprint) { root = .fingerprint(fingerprint) }

    /// Whether a chain in DER, the server's own certificate first, stands for this name now (RFC 5280, RFC 9525).
    public func accepts(_ chain: [[UInt8]], for name: ServerName) async -> Bool {
        let presented = chain.compactMap { try? Certificate(derEncoded: $0) }
        guard presented.count == chain.count, let own = presented.first else { return false }
        var verifier = Verifier(rootCertificates: CertificateStore(roots(among: presented))) {
            RFC5280Policy()
            switch name {
            case .name(let host): ServerIdentityPolicy(serverHostname: host, serverIP: nil)
            case .address: ServerIdentityPolicy(serverHostname: nil, serverIP: name.description)
            }
        }
        let result = await verifier.validate(leaf: own, intermediates: CertificateStore(presented.dropFirst()))
        if case .validCertificate = result { return true }
        return false
    }

    private func roots(among presented: [Certificate]) -> [Certificate] {
        switch root {
        case .certificates(let certificates): certificates
        case .fingerprint(let wanted): presented.filter { (try? $0.fingerprint()) == wanted }
        }
    }
}
