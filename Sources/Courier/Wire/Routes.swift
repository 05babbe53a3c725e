import Foundation
import Glibc
public import References

/// Looks names up.
public struct Resolver: Sendable {
    let addresses: @Sendable (String) async -> [NetworkAddress]

    /// - Parameter addresses: every address of a name; none if there is no such name.
    public init(addresses: @escaping @Sendable (String) async -> [NetworkAddress]) { self.addresses = addresses }

    /// The system's, on a thread of its own: `getaddrinfo` waits.
    public static let system = Resolver { name in
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: lookUp(name)) }
        }
    }

    private static func lookUp(_ name: String) -> [NetworkAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var (found, next) = ([NetworkAddress](), list)
        while let entry = next?.pointee {
            if let address = NetworkAddress(entry), !found.contains(address) { found.append(address) }
            next = entry.ai_next
        }
        return found
    }
}

extension NetworkAddress {
    fileprivate init?(_ entry: addrinfo) {
        let start = UnsafeRawPointer(entry.ai_addr)
        switch entry.ai_family {
        case AF_INET:
            guard var address = start?.loadUnaligned(as: sockaddr_in.self).sin_addr else { return nil }
            self.init(bytes: withUnsafeBytes(of: &address, Array.init))
        case AF_INET6:
            guard var address = start?.loadUnaligned(as: sockaddr_in6.self).sin6_addr else { return nil }
            self.init(bytes: withUnsafeBytes(of: &address, Array.init))
        default: return nil
        }
    }
}

/// Which addresses are dialled for whom: each name is looked up once in a courier's life, and every answer is judged, so
/// an answer that changes later changes nothing.
actor Routes {
    private let resolver: Resolver
    private let mayDial: @Sendable (AddressClass) -> Bool
    private var known: [String: Task<[NetworkAddress], Never>] = [:]

    /// - Parameter mayDial: of addresses that nobody wrote down.
    init(_ resolver: Resolver, mayDial: @escaping @Sendable (AddressClass) -> Bool = { $0 == .open }) {
        (self.resolver, self.mayDial) = (resolver, mayDial)
    }

    /// The addresses to try, in this order.
    /// - Throws: `CourierError.unreachable`, `refusedAddress`.
    func addresses(of peer: Registry.Peer) async throws -> [NetworkAddress] {
        if let address = peer.address { return [address] }
        guard case .name(let name) = peer.origin.host else { return [] }
        let (task, resolver) = (known[name], resolver)
        let looking = task ?? Task { await resolver.addresses(name) }
        known[name] = looking
        let found = await looking.value
        guard !found.isEmpty else { throw CourierError.unreachable(peer.origin, .name) }
        // One bad answer spoils all: who mixes them is trying something.
        if let bad = found.first(where: { !mayDial($0.kind) }) {
            throw CourierError.refusedAddress(peer.origin.host, bad.kind)
        }
        return found
    }
}
