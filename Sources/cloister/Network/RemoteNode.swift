import Channel
import Glibc

/// A node on another machine, and what is known of its identity.
struct RemoteNode: Sendable {
    let address: RemoteAddress
    /// What its identity has to be.
    let fingerprint: String
    private let carrier: any Carrier
    private let pins: KnownNodes

    /// - Parameter stated: what the person said that its fingerprint is.
    /// - Throws: `UserError` if nothing is known of it, or if what is known differs.
    init(_ address: RemoteAddress, stated: String?, over carrier: any Carrier, pins: KnownNodes) throws {
        let words = [stated, address.fingerprint, pins.fingerprint(of: address.place)].compactMap { $0 }
        guard let first = words.first else {
            throw UserError(
                "\(address.place) was never met: give its link with #node=…, as `cloister serve` printed it there, "
                    + "or --fingerprint")
        }
        guard words.allSatisfy({ $0 == first }) else {
            throw UserError(
                "\(address.place) was met as another node than the one that is asked for now. Someone may be in between, "
                    + "or it was set up anew; ask its owner. If it was, remove its line from \(pins.path). "
                    + "Nothing was sent.")
        }
        (self.address, fingerprint, self.carrier, self.pins) = (address, first, carrier, pins)
    }

    /// Sees that it is the node that it has to be, and remembers it.
    /// - Throws: as `judge`; an error of the file system.
    func meet() async throws {
        try await judge()
        try pins.pin(fingerprint, for: address.place)
    }

    /// Asks it for its record and judges it.
    /// - Throws: `UserError` for what is no Cloister, or none of this version, or another node.
    func judge() async throws {
        let offer: [UInt8]
        do { offer = try await carrier.offer() } catch let refusal as Refusal {
            throw UserError(
                "at \(address.place) something answers that is no Cloister of this version (\(refusal.code))")
        } catch ChannelError.truncated, ChannelError.malformed {
            throw UserError("\(address.place) answers in a way that no Cloister does")
        }
        let record: NodeRecord
        do {
            record = try NodeRecord(
                verifying: Array(offer.prefix(NodeRecord.byteCount)), now: UInt64(time(nil)))
        } catch {
            throw UserError(
                "\(address.place) does not name itself as this version knows it: it may be older or newer, or one of the "
                    + "two clocks is wrong. Nothing was sent.")
        }
        guard record.fingerprint == fingerprint else {
            throw UserError(
                "ALARM: \(address.place) is not the node that was pinned. Someone may be in between, or it was set up "
                    + "anew; ask its owner before you trust it. Nothing was sent.")
        }
    }
}
