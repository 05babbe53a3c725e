import Certificates
import Foundation

extension Evidence {
    /// Who vouches for this server beyond loopback.
    enum Network: Equatable {
        case none
        /// The local authority; when the certificate that it issued ends, nil: there is none.
        case authority(String, end: Date?)
        /// The owner's certificate.
        case own(end: Date)
        /// Why there is nothing to show.
        case fault(String)

        /// Reads what lies there; changes nothing.
        init(_ reach: Reach?, data: String) {
            do {
                if let own = reach?.own {
                    self = .own(end: try ServerCertificate.end(of: try PEMFile.read(own.certificate)))
                    return
                }
                let authority = "\(data)/\(ServerIdentity.File.authority)"
                guard FileStatus(authority) != nil else {
                    self = .none
                    return
                }
                let chain = try? PEMFile.read("\(data)/\(ServerIdentity.File.certificate)")
                self = .authority(
                    try Fingerprint(certificate: try PEMFile.read(authority)).description,
                    end: try chain.map { try ServerCertificate.end(of: $0) })
            } catch is CertificateError { self = .fault("the certificate is no certificate in PEM") } catch {
                self = .fault(sentence(error))
            }
        }
    }

    var beyond: Finding {
        switch network {
        case .none: return .ok("tls", "nobody is served beyond this machine")
        case .fault(let reason): return .problem("tls", reason, remedy: "see docs/beyond-loopback.md")
        case .own(let end): return ending("your certificate ends on \(ServerIdentity.day(end))", end, "renew it")
        case .authority(let fingerprint, let end):
            let evidence = "authority SHA-256 \(fingerprint)"
            guard let end else { return .ok("tls", evidence) }
            return ending(
                "\(evidence); certificate until \(ServerIdentity.day(end))", end, "restart the server: it renews")
        }
    }

    private func ending(_ evidence: String, _ end: Date, _ remedy: String) -> Finding {
        if end <= .now { return .problem("tls", evidence, remedy: remedy) }
        return end < .now + LocalAuthority.renewal
            ? .warning("tls", evidence, remedy: remedy) : .ok("tls", evidence)
    }
}
