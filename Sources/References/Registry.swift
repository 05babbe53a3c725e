/// A registry that the person configured, and everybody to whom it may send on.
public struct Registry: Hashable, Sendable {
    /// What it speaks.
    public enum Shape: String, Sendable, CaseIterable {
        /// The Hugging Face hub.
        case hub
        /// Ollama's registry, which is OCI's.
        case ollama
    }

    /// An origin, and the address that was written down for it.
    public struct Peer: Hashable, Sendable {
        /// Scheme, host and port.
        public let origin: Origin
        /// The one address to dial; nil: the name is looked up and must be public.
        public let address: NetworkAddress?
    }

    /// *Our choice*: a registry and its storage services.
    private static let peerLimit = 16
    /// What it speaks.
    public let shape: Shape
    /// The registry itself, and then those to whom it may send on.
    public let peers: [Peer]

    /// Reads the setting `registries`: `hub=https://models.example+https://files.example,ollama=http://127.0.0.1:5000`.
    ///
    /// An origin may say the address to dial, `https://models.example[10.0.0.5]`; only so, or as a literal host, are
    /// private and loopback addresses dialled.
    /// - Throws: `CourierError.badSetting`, `badAddress`.
    public static func list(_ setting: String) throws(CourierError) -> [Registry] {
        var list: [Registry] = []
        for entry in setting.split(separator: ",") {
            let registry = try Registry(String(entry.filter { $0 != " " }))
            guard !list.contains(where: { $0.shape == registry.shape }) else { throw .badSetting(.twice) }
            list.append(registry)
        }
        return list
    }

    private init(_ entry: String) throws(CourierError) {
        let parts = entry.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { throw .badSetting(.form) }
        guard let shape = Shape(rawValue: String(parts[0])) else { throw .badSetting(.shape) }
        var peers: [Peer] = []
        for origin in parts[1].split(separator: "+", omittingEmptySubsequences: false) {
            peers.append(try Peer(String(origin)))
        }
        guard peers.count <= Self.peerLimit else { throw .badSetting(.tooMany) }
        (self.shape, self.peers) = (shape, peers)
    }

    /// As the setting says it; `list` reads the same from it.
    public var setting: String { "\(shape.rawValue)=" + peers.map(\.setting).joined(separator: "+") }

    /// The registry itself.
    public var origin: Origin { peers[0].origin }

    /// The peer of an origin; nil: it is not configured.
    public func peer(_ origin: Origin) -> Peer? { peers.first { $0.origin == origin } }
}

extension ModelReference {
    /// The one of the configured registries that has such models.
    /// - Throws: `CourierError.notConfigured`.
    public func registry(in registries: [Registry]) throws(CourierError) -> Registry {
        let shape: Registry.Shape =
            switch place {
            case .hub: .hub
            case .ollama: .ollama
            }
        guard let registry = registries.first(where: { $0.shape == shape }) else {
            throw .notConfigured("a registry of the shape \(shape.rawValue) (setting registries)")
        }
        return registry
    }
}

extension Registry.Peer {
    fileprivate var setting: String {
        guard case .name = origin.host, let address else { return origin.description }
        return "\(origin)[\(address)]"
    }

    /// Reads an origin with or without the address to dial in brackets behind it.
    fileprivate init(_ text: String) throws(CourierError) {
        if text.hasSuffix("]"), let start = text.lastIndex(of: "["), !text[..<start].hasSuffix("//") {
            origin = try Origin(text[..<start])
            guard case .name = origin.host, let named = NetworkAddress(text[text.index(after: start)...].dropLast())
            else { throw .badSetting(.form) }
            address = named
        } else {
            origin = try Origin(text)
            if case .address(let literal) = origin.host { address = literal } else { address = nil }
        }
        if let address, !address.kind.mayBeNamed { throw .badSetting(.address) }
        // Who can change bytes on the way could otherwise announce another digest with them.
        let isNear = address.map { $0.kind == .loopback || $0.kind == .inside } ?? false
        guard origin.scheme == .https || isNear else { throw .badSetting(.clear) }
    }
}
