/// What an address is for, after the special-purpose registries of RFC 6890 and what clouds put on top of them.
///
/// Whatever is not known to be public is not public.
public enum AddressClass: String, Sendable, CaseIterable {
    /// Reachable from anywhere.
    case open = "public"
    /// `127.0.0.0/8`, `::1`: this machine.
    case loopback
    /// RFC 1918, RFC 6598 and RFC 4193: one's own network.
    case inside = "private"
    /// `169.254.0.0/16`, `fe80::/10`: the cable, and where clouds keep their metadata service.
    case linkLocal = "link-local"
    /// A metadata service outside the link-local range.
    case metadata
    /// `0.0.0.0/8`, `::`.
    case unspecified
    /// More than one receiver.
    case multicast
    /// An IPv4 address in IPv6 clothes: mapped, compatible, 6to4, Teredo, translated.
    case embedded
    /// Documentation, benchmarks, protocols, the future.
    case reserved

    /// Whether it may be dialled if the person wrote down this very address.
    public var mayBeNamed: Bool { self == .open || self == .inside || self == .loopback }
}

extension NetworkAddress {
    /// What this address is for.
    public var kind: AddressClass {
        if Self.metadata.contains(self) { return .metadata }
        return bytes.count == 4 ? kind(in: Self.version4, otherwise: .open) : kind6
    }

    /// Only `2000::/3` is given out (RFC 4291 §2.4); a translated address is what is behind it.
    private var kind6: AddressClass {
        if isInside([0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 96) {
            let behind = NetworkAddress(bytes: Array(bytes.suffix(4))).kind
            return behind == .open ? .open : .embedded
        }
        return kind(in: Self.version6, otherwise: isInside([0x20], 3) ? .open : .reserved)
    }

    private func kind(in table: [Range], otherwise: AddressClass) -> AddressClass {
        table.first { isInside($0.prefix, $0.bits) }?.kind ?? otherwise
    }

    private func isInside(_ prefix: [UInt8], _ bits: Int) -> Bool {
        (0..<bits).allSatisfy { bit in
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            let wanted = bit / 8 < prefix.count ? prefix[bit / 8] : 0
            return bytes[bit / 8] & mask == wanted & mask
        }
    }

    private typealias Range = (prefix: [UInt8], bits: Int, kind: AddressClass)

    // From the specification: IANA IPv4 Special-Purpose Address Registry, and multicast.
    private static let version4: [Range] = [
        ([0], 8, .unspecified), ([10], 8, .inside), ([100, 64], 10, .inside), ([127], 8, .loopback),
        ([169, 254], 16, .linkLocal), ([172, 16], 12, .inside), ([192, 0, 0], 24, .reserved),
        ([192, 0, 2], 24, .reserved), ([192, 88, 99], 24, .reserved), ([192, 168], 16, .inside),
        ([198, 18], 15, .reserved), ([198, 51, 100], 24, .reserved), ([203, 0, 113], 24, .reserved),
        ([224], 4, .multicast), ([240], 4, .reserved),
    ]

    // From the specification: IANA IPv6 Special-Purpose Address Registry; the narrow ranges come first.
    private static let version6: [Range] = [
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128, .loopback),
        ([], 128, .unspecified),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96, .embedded), ([], 96, .embedded),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96, .embedded),
        ([0x00, 0x64, 0xff, 0x9b, 0, 1], 48, .embedded),
        ([0x20, 0x01, 0, 0], 32, .embedded), ([0x20, 0x01], 23, .reserved), ([0x20, 0x01, 0x0d, 0xb8], 32, .reserved),
        ([0x20, 0x02], 16, .embedded), ([0x3f, 0xff, 0], 20, .reserved),
        ([0xfc], 7, .inside), ([0xfe, 0x80], 10, .linkLocal), ([0xfe, 0xc0], 10, .inside), ([0xff], 8, .multicast),
    ]

    // Our choice: the metadata services that are not link-local (AWS, Google, Alibaba).
    private static let metadata: Set<NetworkAddress> = Set(
        ["fd00:ec2::254", "fd20:ce::254", "100.100.100.200"].compactMap { NetworkAddress($0) })
}
