public import Foundation
import Cryptography

/// What an account says about its owner, sealed under the root key.
public struct Profile: Codable, Sendable, Equatable {
    /// The name as the person typed it.
    public var name: String
    /// Whether new conversations are kept, sealed, or nothing is.
    public var keep: Bool
    /// When the account was made.
    public let created: Date
    /// The model that answers unless another is chosen; nil: the node's standard one.
    public var model: String?
    /// Minutes without use after which a session is locked; nil: `Profile.usualIdleMinutes`.
    public var idleMinutes: Int?
    /// Minutes until a session is locked when nobody says otherwise.
    public static let usualIdleMinutes = 15

    /// A new profile.
    public init(name: String, keep: Bool, created: Date) {
        (self.name, self.keep, self.created) = (name, keep, created)
    }
}

/// JSON with ISO 8601 dates and sorted keys, as the sealed formats use it.
enum SealedJSON {
    static func encode(_ value: some Encodable) throws(VaultError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return Array(try encoder.encode(value)) } catch { throw .malformed }
    }

    static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws(VaultError) -> T {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do { return try decoder.decode(type, from: Data(bytes)) } catch { throw .malformed }
    }
}
