public import Foundation

/// What can be wrong with a certificate, a key or a name.
public enum CertificateError: Error, Equatable, Sendable {
    /// No host name in ASCII letters, digits, hyphens and dots, and no address.
    case badName(String)
    /// Not a certificate, or not a chain of them, in PEM.
    case unreadableCertificate
    /// Not a private key in PEM, or one that needs a passphrase.
    case unreadableKey
    /// The key is another certificate's.
    case mismatch
    /// The certificate ended.
    case expired(Date)
    /// The certificate begins later.
    case notYetValid(Date)
    /// The certificate does not stand for these names.
    case lacks([ServerName])
    /// Not 64 hexadecimal digits, with or without colons.
    case badFingerprint
    /// A certificate could not be made.
    case notMade
}
