import Certificates
import Configuration

/// Who shall be served beyond loopback: where to listen, by which names, with whose certificate.
struct Reach: Sendable {
    /// Not 8420: an address like 0.0.0.0 would clash with the port on loopback.
    static let standardPort = 8_443
    /// The settings of this kind.
    static let keys = ["host", "names", "tls-port", "certificate", "key"]

    /// An address of this machine, or a name that leads to one.
    let host: String
    let port: Int
    /// The exact host list.
    let names: [ServerName]
    /// The owner's certificate and key, PEM files; nil: the local authority's.
    let own: (certificate: String, key: String)?

    /// - Returns: nil if nobody asked to be reached.
    /// - Throws: `UserError`.
    init?(_ reader: ConfigReader, isAirGapped: Bool) throws {
        func text(_ key: String) -> String? { reader.string(forKey: ConfigKey(key)) }
        guard let host = text("host") else {
            if let key = Self.keys.first(where: { text($0) != nil }) {
                throw UserError("--\(key) counts only with --host, the address to be reached at")
            }
            return nil
        }
        self.host = host
        port = try Settings.number("tls-port", reader, 1...65_535) ?? Self.standardPort
        try Self.check(host, isAirGapped: isAirGapped)
        names = try (text("names") ?? "").split(separator: ",").map { try Self.name(String($0)) }
        guard !names.isEmpty else {
            throw UserError(
                "--host needs --names: the exact names or addresses that people will type, "
                    + "for example --names cloister.example,192.0.2.10; requests for any other are refused")
        }
        switch (text("certificate"), text("key")) {
        case (nil, nil): own = nil
        case (let certificate?, let key?): own = (certificate, key)
        default: throw UserError("--certificate and --key go together: two PEM files of one certificate")
        }
    }

    /// The values of `Host` and `:authority` that are served.
    var hosts: Set<String> { Set(names.map { $0.authority(port: port) }) }

    /// Where people go, the names first: passkeys refuse addresses.
    var addresses: [String] { (named + unnamed).map { "https://" + $0.authority(port: port) } }

    /// The entries of the host list that are names, and those that are addresses.
    var named: [ServerName] { names.filter { if case .name = $0 { true } else { false } } }
    var unnamed: [ServerName] { names.filter { if case .address = $0 { true } else { false } } }

    private static func name(_ text: String) throws -> ServerName {
        do { return try ServerName(text.trimmingWhitespace) } catch {
            throw UserError(
                "\"\(text.oneLine)\" in --names is no host name or address: "
                    + "no wildcards, no ports, letters outside of ASCII as xn--…")
        }
    }

    private static func check(_ host: String, isAirGapped: Bool) throws {
        if ["0.0.0.0", "::"].contains(host) { return }
        guard let name = try? ServerName(host) else {
            throw UserError("--host must be an address of this machine, or a name that leads to one")
        }
        if case .name = name, isAirGapped, !name.isLoopback {
            throw UserError("under an air gap no name is looked up: give --host an address")
        }
    }
}

extension String {
    var trimmingWhitespace: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
