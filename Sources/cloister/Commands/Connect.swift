import ArgumentParser
import Certificates
import Channel
import Endpoints
import Foundation
import Gateway
import Glibc
import Seams
import UnixSignals

/// `cloister connect`.
struct Connect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give programs on this machine the API of a Cloister on another one.",
        discussion: """
            What programs send is sealed here, for the cell on the other machine; the
            server in between carries bytes that it cannot read. The first time, the
            node's fingerprint is needed: it stands in the link that `cloister serve`
            printed there. It is remembered, and another one is refused.

            Examples:
              cloister connect 'https://cloister.example:8443/#node=...'
              cloister connect https://cloister.example:8443 --ca authority.pem
              cloister connect https://192.0.2.10:8443 --fingerprint ... --ca 5A:0C:...
            """)

    @Argument(help: "The other Cloister: its address, or its link with #node=...")
    var url: String
    @Option(help: "TCP port on this machine's loopback (default 8421).")
    var port: Int?
    @Option(help: "The node's fingerprint, 43 letters, if it is not in the link.")
    var fingerprint: String?
    @Option(
        help:
            "The only authority to trust for TLS: a PEM file, or the SHA-256 that its server printed. Default: this system's.",
        completion: .file())
    var ca: String?
    @Option(help: "A configuration file (JSON).", completion: .file())
    var config: String?

    static let standardPort = 8_421

    func run() async throws {
        try await explained {
            let address = try RemoteAddress(url)
            let settings = try Settings(
                flags: [:], environment: ProcessInfo.processInfo.environment, file: config)
            guard !settings.isAirGapped || address.name.isLoopback else {
                throw UserError("under an air gap nothing outside of this machine is asked")
            }
            guard (1...65_535).contains(port ?? Self.standardPort) else {
                throw UserError("port must be a number from 1 to 65535")
            }
            let carrier = try HTTPCarrier.remote(address, trusting: try authority())
            let remote = try RemoteNode(
                address, stated: try fingerprint.map(RemoteAddress.node), over: carrier,
                pins: KnownNodes(environment: ProcessInfo.processInfo.environment))
            try await remote.meet()
            try await serve(remote, carrier)
        }
    }

    private func authority() throws -> TrustedAuthority? {
        guard let ca else { return nil }
        if let fingerprint = try? Fingerprint(ca) { return TrustedAuthority(fingerprint) }
        do { return try TrustedAuthority(certificates: try PEMFile.read(ca)) } catch is CertificateError {
            throw UserError("\(ca) is no certificate in PEM, and no SHA-256 of one")
        }
    }

    private func serve(_ remote: RemoteNode, _ carrier: HTTPCarrier) async throws {
        let options = GatewayOptions(port: port ?? Self.standardPort)
        let door = Door(carrier: carrier, pinned: remote.fingerprint, version: Cloister.version) {
            Door.Health(device: "remote", isSealed: (try? await remote.judge()) != nil)
        }
        let site = Site(
            options, hosts: options.hosts, origins: options.origins, logger: .cloister, isElsewhere: { _ in false },
            routes: { door.add(to: $0) })
        let stops = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let entrance = try Entrance(port: options.port)
        try entrance.open { [entrance] counter, socket in
            Task {
                await site.serve(dup(socket.raw))
                entrance.leave(counter)
            }
        }
        Terminal.say(lines(remote, options.port).joined(separator: "\n") + "\n")
        for await _ in stops { break }
        entrance.close()
    }

    private func lines(_ remote: RemoteNode, _ port: Int) -> [String] {
        [
            "Connected to \(remote.address.place)",
            "  node       \(remote.fingerprint) (pinned; another one will be refused)",
            "  sealed     from this process to the cell there; the server in between sees sizes and times",
            "  base URL   http://127.0.0.1:\(port)/v1",
            "  API key    one that its owner made there; without a key nothing is answered",
        ]
    }
}
