import Cryptography

/// One request as it travels: version ‖ tab (8) ‖ counter (8) ‖ AES-256-GCM.
///
/// `docs/formats/channel.md` §3.
struct SealedRequest {
    private static let version: UInt8 = 1

    let counter: RequestCounter
    private let ciphertext: [UInt8]

    init(decoding body: [UInt8]) throws(ChannelError) {
        do {
            var reader = ByteReader(body)
            guard try reader.byte() == Self.version else { throw ChannelError.malformed }
            counter = RequestCounter(
                tab: try reader.bytes(ChannelKeys.tabCount), value: try reader.integer(UInt64.self))
            ciphertext = reader.rest()
        } catch { throw .malformed }
    }

    func open(_ keys: borrowing ChannelKeys, account: AccountID, place: Place) throws(ChannelError) -> [UInt8] {
        do {
            return try Padding.unpad(
                try AuthenticatedEncryption.open(
                    ciphertext, key: keys.requestKey(tab: counter.tab), nonce: counter.nonce,
                    authenticating: Self.context(account, place, counter)))
        } catch { throw .refused }
    }

    static func seal(
        _ content: [UInt8], keys: borrowing ChannelKeys, account: AccountID, place: Place, counter: RequestCounter
    ) throws(ChannelError) -> [UInt8] {
        do {
            let sealed = try AuthenticatedEncryption.seal(
                ChannelKeys.padding.pad(content), key: keys.requestKey(tab: counter.tab), nonce: counter.nonce,
                authenticating: context(account, place, counter))
            return [version] + counter.bytes + sealed
        } catch { throw .malformed }
    }

    private static func context(_ account: AccountID, _ place: Place, _ counter: RequestCounter) -> [UInt8] {
        Array("cloister/request/v1".utf8) + account.bytes + place.bytes + counter.bytes
    }
}
