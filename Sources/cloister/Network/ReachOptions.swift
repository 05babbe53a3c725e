import ArgumentParser

/// The flags of `serve` for whoever shall be served beyond loopback.
struct ReachOptions: ParsableArguments {
    @Option(help: "An address of this machine to be reached at too, over TLS only. Needs --names.")
    var host: String?
    @Option(help: "The exact names and addresses that people will type, separated by commas; others are refused.")
    var names: String?
    @Option(help: "TCP port for TLS (default 8443).")
    var tlsPort: Int?
    @Option(
        help: "Your own certificate, PEM, with its chain. Without one, a local authority is made, to be trusted once.",
        completion: .file())
    var certificate: String?
    @Option(help: "The certificate's key, PEM, which nobody else can read.", completion: .file())
    var key: String?

    var flags: [String: String?] {
        [
            "host": host, "names": names, "tls-port": tlsPort.map(String.init), "certificate": certificate, "key": key,
        ]
    }
}
