import Courier
import Foundation
import Seams
import Synchronization
import References

/// What a command asks of a courier process; `docs/formats/seams.md` §13.
enum CourierOrder: UInt8 {
    /// Whom it may dial; once, and first.
    case begin = 1
    /// A model's name; answered by an announcement.
    case announce
    /// An announcement, and the descriptor of the file that is filled; answered by events.
    case fetch

    struct Begin: Codable, Sendable {
        /// One registry, as the setting `registries` says it.
        let registry: String
        let airGap: Bool
    }

    struct Announce: Codable, Sendable { let reference: String }

    struct Fetch: Codable, Sendable {
        let announcement: Announcement
        /// What `began` said when the beginning was fetched.
        let validator: String?
    }

    /// Why nothing came.
    struct Failure: Codable, Sendable {
        /// For a person.
        let sentence: String
        /// Whether the same fetch can go on from what is there.
        let kept: Bool

        init(_ error: CourierError) {
            sentence = error.description
            if case .unreachable(_, let silence) = error {
                kept = silence == .cut || silence == .slow
            } else {
                kept = false
            }
        }
    }
}

/// The courier's process: dials one registry, and fills the file that it was given.
enum CourierRole {
    static func run(_ orders: Orders) async throws {
        let host = CourierHost()
        try await orders.answer { call in
            do { try await host.answer(call) } catch let error as CourierError {
                throw SeamError.failed(Array(try JSONEncoder().encode(CourierOrder.Failure(error))))
            }
        }
    }
}

/// One courier, for the one registry that it was begun with.
private final class CourierHost: Sendable {
    private let courier = Mutex<Courier?>(nil)

    func answer(_ call: ServedCall) async throws {
        switch CourierOrder(rawValue: call.method) {
        case .begin:
            try begin(call.read(CourierOrder.Begin.self))
            try await call.send([])
        case .announce:
            let order = try call.read(CourierOrder.Announce.self)
            try await call.tell(try await begun().announce(ModelReference(order.reference)))
        case .fetch:
            let order = try call.read(CourierOrder.Fetch.self)
            guard let file = call.descriptors.first else { throw SeamError.malformed }
            let events = try begun().fetch(order.announcement, validator: order.validator, into: file.raw)
            for try await event in events { try await call.tell(event) }
        case nil: throw SeamError.malformed
        }
    }

    private func begin(_ order: CourierOrder.Begin) throws {
        let registries = try Registry.list(order.registry)
        guard registries.count == 1 else { throw SeamError.malformed }
        let made = try Courier(CourierConfiguration(registries: registries, isAirGapped: order.airGap))
        let isFirst = courier.withLock { courier in
            guard courier == nil else { return false }
            courier = made
            return true
        }
        guard isFirst else { throw SeamError.malformed }
    }

    private func begun() throws -> Courier {
        guard let courier = courier.withLock({ $0 }) else { throw SeamError.malformed }
        return courier
    }
}
