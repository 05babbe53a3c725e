import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import References

/// The one place that dials: one request, one connection, to an address that was judged before.
///
/// Follows no redirect by itself, undoes no compression, knows no proxy, keeps no cookie and sends no credential.
struct Door: Sendable {
    let registry: Registry
    let routes: Routes
    let limits: CourierLimits
    var trust = TLSConfiguration.makeClientConfiguration()

    /// Sends a request and reads the answer while the connection is open.
    /// - Throws: `CourierError`, or what `read` throws.
    func send<Answer: Sendable>(
        _ method: HTTPMethod, _ address: WebAddress, _ headers: HTTPHeaders = [:],
        _ read: @Sendable (HTTPClientResponse) async throws -> Answer
    ) async throws -> Answer {
        guard let peer = registry.peer(address.origin) else { throw Self.refusal(of: address.origin) }
        var failure = CourierError.unreachable(peer.origin, .connection)
        for target in try await routes.addresses(of: peer) {
            do { return try await send(method, address, headers, to: target, read) } catch let error as CourierError {
                guard error == failure else { throw error }
                failure = error
            }
        }
        throw failure
    }

    private func send<Answer: Sendable>(
        _ method: HTTPMethod, _ address: WebAddress, _ headers: HTTPHeaders, to target: NetworkAddress,
        _ read: @Sendable (HTTPClientResponse) async throws -> Answer
    ) async throws -> Answer {
        let request = try Self.request(method, address, headers)
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: configuration(for: address.origin, at: target))
        let result: Result<Answer, any Error>
        do {
            let response = try await client.execute(request, deadline: .now() + TimeAmount(limits.silence))
            do {
                guard response.headers["content-encoding"].allSatisfy({ $0.lowercased() == "identity" }) else {
                    throw CourierError.refusedAnswer(address.origin, .encoded)
                }
                result = .success(try await read(response))
            } catch { result = .failure(Self.explained(error, address.origin, hasAnswered: true)) }
        } catch { result = .failure(Self.explained(error, address.origin, hasAnswered: false)) }
        try? await client.shutdown()
        return try result.get()
    }

    /// Connects to exactly this address; certificate and `Host` are the name's.
    private func configuration(for origin: Origin, at target: NetworkAddress) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: trust, redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(limits.connecting), read: TimeAmount(limits.silence)),
            decompression: .disabled)
        configuration.tlsConfiguration?.minimumTLSVersion = .tlsv12
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        if case .name(let name) = origin.host { configuration.dnsOverride = [name: target.description] }
        return configuration
    }

    /// Builds the request, and makes sure that the client reads the address as we did: it has a parser of its own.
    private static func request(_ method: HTTPMethod, _ address: WebAddress, _ headers: HTTPHeaders) throws
        -> HTTPClientRequest
    {
        guard address.isReadAlike else { throw CourierError.badAddress(.path) }
        var request = HTTPClientRequest(url: address.description)
        request.method = method
        request.headers = headers
        request.headers.replaceOrAdd(name: "accept-encoding", value: "identity")
        request.headers.replaceOrAdd(name: "user-agent", value: "cloister")
        return request
    }

    /// What to say of an origin that is not configured.
    static func refusal(of origin: Origin) -> CourierError {
        if case .address(let address) = origin.host, address.kind != .open {
            return .refusedAddress(origin.host, address.kind)
        }
        return .refusedRedirect(origin)
    }

    private static func explained(_ error: any Error, _ origin: Origin, hasAnswered: Bool) -> any Error {
        let silence: CourierError.Silence? =
            switch error {
            case is CourierError, is CancellationError: nil
            case let error as HTTPClientError where error == .connectTimeout: .connection
            case let error as HTTPClientError
            where [.readTimeout, .deadlineExceeded, .tlsHandshakeTimeout].contains(error): .slow
            case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: hasAnswered ? .cut : .certificate
            case is IOError, is ChannelError: hasAnswered ? .cut : .connection
            default: .cut
            }
        return silence.map { CourierError.unreachable(origin, $0) } ?? error
    }
}

extension TimeAmount {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
