import Glibc
import NIOSSL
public import References

/// The one door out: asks those who are configured, nobody else, and trusts nothing that comes back.
///
/// Its face is values: a request and a configuration in, events out, and bytes into a descriptor that was handed in; so
/// it can be a process of its own that opens no file for writing. `docs/formats/courier.md` says what it sends and takes.
public struct Courier: Sendable {
    private let configuration: CourierConfiguration
    private let routes: Routes
    private let trust: TLSConfiguration

    /// - Throws: `CourierError.airGap`: there is no courier then.
    public init(_ configuration: CourierConfiguration, resolver: Resolver = .system) throws(CourierError) {
        try self.init(
            configuration, routes: Routes(resolver), trust: .makeClientConfiguration())
    }

    /// For tests: other judges of addresses, other issuers of certificates.
    init(_ configuration: CourierConfiguration, routes: Routes, trust: TLSConfiguration = .makeClientConfiguration())
        throws(CourierError)
    {
        guard !configuration.isAirGapped else { throw .airGap }
        (self.configuration, self.routes, self.trust) = (configuration, routes, trust)
    }

    /// Asks what a model's name stands for now; nothing of the model is fetched.
    /// - Throws: `CourierError`.
    public func announce(_ reference: ModelReference) async throws -> Announcement {
        switch reference.place {
        case .hub(let repository, let revision, let choice):
            try await Hub(door: door(of: reference)).announce(reference, repository, revision, choice)
        case .ollama(let path, let tag):
            try await Ollama(door: door(of: reference)).announce(reference, path, tag)
        }
    }

    /// Fetches what was announced into a file, after what lies in it already.
    ///
    /// Ends only after `arrived`, when all of it is on the disk and hashes to what was announced. If what came can be
    /// nothing of it, the file is empty afterwards; if it was cut off, the file is the beginning and the same call goes
    /// on from there.
    /// - Parameters:
    ///   - validator: what `began` said when the beginning was fetched.
    ///   - descriptor: an open file, readable and writable, that nobody else writes; duplicated here.
    public func fetch(_ announcement: Announcement, validator: String? = nil, into descriptor: Int32)
        -> AsyncThrowingStream<FetchEvent, any Error>
    {
        AsyncThrowingStream { continuation in
            let file = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
            let task = Task {
                defer { close(file) }
                do {
                    let download = Download(
                        door: try door(of: ModelReference(announcement.reference)), announcement: announcement,
                        file: file,
                        validator: validator.flatMap(Promise.validator))
                    try await download.run { continuation.yield($0) }
                    continuation.finish()
                } catch { continuation.finish(throwing: error) }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func door(of reference: ModelReference) throws(CourierError) -> Door {
        let registry = try reference.registry(in: configuration.registries)
        return Door(registry: registry, routes: routes, limits: configuration.limits, trust: trust)
    }
}
