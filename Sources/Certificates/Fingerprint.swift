import Cryptography
import SwiftASN1
import X509

/// SHA-256 of a certificate's DER: what browsers show and `openssl x509 -fingerprint -sha256` prints.
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// Of a certificate in DER.
    public init(of der: [UInt8]) { bytes = sha256(der) }

    /// Of the first certificate in PEM.
    /// - Throws: `unreadableCertificate`.
    public init(certificate: String) throws(CertificateError) {
        self = try ServerCertificate.parse(certificate)[0].fingerprint()
    }

    /// From 64 hexadecimal digits, with or without colons.
    /// - Throws: `badFingerprint`.
    public init(_ text: String) throws(CertificateError) {
        let digits = text.filter { $0 != ":" }
        let pairs = stride(from: 0, to: digits.count - 1, by: 2).map { offset in
            let start = digits.index(digits.startIndex, offsetBy: offset)
            return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
        }
        let bytes = pairs.compactMap { $0 }
        guard digits.utf8.count == 64, digits.allSatisfy(\.isHexDigit), bytes.count == 32 else { throw .badFingerprint }
        self.bytes = bytes
    }

    /// Pairs of upper-case digits, with colons.
    public var description: String {
        bytes.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return digits.count == 1 ? "0" + digits : digits
        }.joined(separator: ":")
    }
}

extension Certificate {
    /// The certificate's bytes.
    func der() throws(CertificateError) -> [UInt8] {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(self)
            return serializer.serializedBytes
        } catch { throw .unreadableCertificate }
    }

    /// Its fingerprint.
    func fingerprint() throws(CertificateError) -> Fingerprint { Fingerprint(of: try der()) }

    /// The names that it stands for.
    var names: [GeneralName] { (try? extensions.subjectAlternativeNames).map { Array($0) } ?? [] }
}
