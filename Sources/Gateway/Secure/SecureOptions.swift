import NIOSSL

/// What the gateway answers with over TLS.
public struct SecureOptions: Codable, Sendable {
    /// The exact `Host` and `:authority` values that are served.
    public var hosts: Set<String>
    /// The certificates in PEM, the server's own first.
    public var chain: String
    /// The key in PEM; it is not the node's identity.
    public var key: String
    /// Whether browsers are told to come back over TLS only (RFC 6797).
    public var isStrict: Bool

    /// Options.
    public init(hosts: Set<String>, chain: String, key: String, isStrict: Bool) {
        (self.hosts, self.chain, self.key, self.isStrict) = (hosts, chain, key, isStrict)
    }

    /// The exact origins that may call.
    var origins: Set<String> { Set(hosts.map { "https://\($0)" }) }

    /// TLS 1.2 with forward secrecy and authenticated encryption, and 1.3; HTTP/2 before HTTP/1.1 (RFC 7301).
    /// - Throws: NIOSSL's error for a chain or key that it cannot use.
    func context() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(chain.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuiteValues = [
            .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ]
        configuration.applicationProtocols = ["h2", "http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}
