public import Channel
public import Foundation
import HTTPTypes
import Hummingbird

/// The compatibility door: speaks for programs that cannot seal.
///
/// It sees their plaintext, and seals it to the cell like any other client.
///
/// Loopback only. Between requests it keeps channels that were opened with the callers' API keys, for a minute.
public struct Door: Sendable {
    /// What `/health` says; computed at that moment.
    public struct Health: Codable, Sendable {
        let status: String
        let model_device: String
        let encryption_enabled: Bool

        /// - Parameters:
        ///   - device: what computes, for example `cpu`.
        ///   - isSealed: whether everything in the archive was found sealed just now.
        public init(device: String, isSealed: Bool) {
            (status, model_device, encryption_enabled) = ("healthy", device, isSealed)
        }
    }

    /// The first parts of the paths that it answers.
    public static let names: Set<String> = ["v1", "api", "chat", "history", "health"]

    private let channels: KeyChannels
    let version: String
    let health: @Sendable () async -> Health
    let clock: @Sendable () -> Date
    static let bodyLimit = 960 * 1_024

    /// - Parameters:
    ///   - carrier: the way to the cells.
    ///   - pinned: the fingerprint that the node must have; nil where nobody could be in between.
    ///   - version: of this program.
    public init(
        carrier: any Carrier, pinned: String? = nil, version: String, health: @escaping @Sendable () async -> Health,
        clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        (self.version, self.health, self.clock) = (version, health, clock)
        channels = KeyChannels(carrier, pinned: pinned, clock: clock)
    }

    /// A channel with the caller's API key, for one request.
    /// - Throws: `APIError` 401 without a key or with a wrong one.
    func client(for request: Request) async throws -> KeyChannel {
        guard let value = request.headers[.authorization], value.lowercased().hasPrefix("bearer ") else {
            throw APIError.missingKey
        }
        return try await channels.channel(token: String(value.dropFirst(7)).trimmingCharacters(in: .whitespaces))
    }

    /// Runs `body` with a channel.
    func withClient<R>(for request: Request, _ body: (KeyChannel) async throws -> R) async throws -> R {
        try await lending(to: request) { client in
            let result = try await body(client)
            await client.finish()
            return result
        }
    }

    /// The same for what goes on with the channel afterwards, and then gives it back itself.
    func lending<R>(to request: Request, _ body: (KeyChannel) async throws -> R) async throws -> R {
        let client = try await client(for: request)
        do { return try await body(client) } catch let error as APIError {
            await client.finish()
            throw error
        } catch {
            await client.close()
            throw error
        }
    }
}

/// Reads a JSON object once, as UTF-8, and refuses anything else (F4).
func decodeBody<T: Decodable>(_ type: T.Type, from request: Request) async throws -> T {
    var request = request
    let buffer: ByteBuffer
    do { buffer = try await request.collectBody(upTo: Door.bodyLimit) } catch let error as any HTTPResponseError
        where error.status == .contentTooLarge
    {
        throw APIError.tooLarge
    }
    let bytes = Array(buffer.readableBytesView)
    guard String(validating: bytes, as: UTF8.self) != nil,
        bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "{")
    else {
        throw APIError.invalid("The body is not a JSON object in UTF-8.")
    }
    do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch let error as DecodingError
        where error.field?.isEmpty == false
    {
        throw APIError.invalid("The body has a field of the wrong type.", param: error.field)
    } catch let error as APIError { throw error } catch {
        throw APIError.invalid("The body is not a JSON object in UTF-8.")
    }
}

extension DecodingError {
    /// The name of the field that is wrong, never its value.
    var field: String? {
        let context: Context? =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context
            @unknown default: nil
            }
        return context?.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
}

/// A JSON response.
func jsonResponse(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    Response(
        status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: try jsonBuffer(value)))
}

/// JSON on one line.
func jsonBuffer(_ value: some Encodable) throws -> ByteBuffer {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    encoder.dateEncodingStrategy = .iso8601
    return ByteBuffer(bytes: try encoder.encode(value))
}
