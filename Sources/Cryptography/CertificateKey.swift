import Crypto

/// A fresh P-256 key for certificates (FIPS 186-5), as PEM (PKCS #8).
///
/// It is text because that is how it lies on the disk and how TLS takes it; whoever holds it keeps it private.
public func newCertificateKey() -> String { P256.Signing.PrivateKey().pemRepresentation }
