import Confinement
import Courier
import Foundation
import Glibc
import Seams
import References

/// The way to the courier, which is a process of its own for as long as a command needs it.
///
/// What it says is judged again here: it is the process that reads what strangers send.
struct RemoteCourier: Sendable {
    private let seam: SeamClient
    /// Nil: a process of a test.
    private let child: Child?

    /// - Parameter seam: the way to a process that was told already whom it may dial.
    init(seam: SeamClient, child: Child? = nil) { (self.seam, self.child) = (seam, child) }

    /// Starts the process and tells it the one registry that it may dial.
    /// - Throws: `CourierError.airGap`, and then no process was started; `notConfigured`; `UserError`.
    static func start(for reference: ModelReference, _ settings: Settings) async throws -> RemoteCourier {
        guard !settings.isAirGapped else { throw CourierError.airGap }
        let registry = try reference.registry(in: settings.registries)
        let child = try Child(.courier, range: nil)
        let courier = RemoteCourier(seam: child.control, child: child)
        let order = CourierOrder.Begin(registry: registry.setting, airGap: settings.isAirGapped)
        _ = try await courier.ask(.begin, order).next()
        return courier
    }

    /// Asks what a model's name stands for now; nothing of the model is fetched.
    func announce(_ reference: ModelReference) async throws -> Announcement {
        let reply = try await ask(.announce, CourierOrder.Announce(reference: reference.description)).next()
        guard let reply, let announcement = try? reply.read(Announcement.self),
            announcement.isSound(for: reference)
        else { throw Self.strange }
        let limit = CourierLimits().file
        guard announcement.byteCount <= limit else {
            throw CourierError.noRoom(needed: announcement.byteCount, free: limit)
        }
        return announcement
    }

    /// Has a file filled with what was announced, after what lies in it already.
    /// - Parameter tell: hears how it goes on.
    func fetch(
        _ announcement: Announcement, validator: String?, into descriptor: Int32, tell: (FetchEvent) -> Void
    ) async throws {
        let answer = try ask(
            .fetch, CourierOrder.Fetch(announcement: announcement, validator: validator),
            descriptors: [Descriptor(fcntl(descriptor, F_DUPFD_CLOEXEC, 0))])
        var hasArrived = false
        while let part = try await answer.next() {
            guard !hasArrived, let event = try? part.read(FetchEvent.self) else {
                throw Self.strange
            }
            switch event {
            case .began(let offset, let validator):
                guard (0...announcement.byteCount).contains(offset) else { throw Self.strange }
                tell(.began(offset: offset, validator: validator.flatMap(Promise.validator)))
            case .progress(let count):
                guard (0...announcement.byteCount).contains(count) else { throw Self.strange }
                tell(event)
            case .arrived:
                hasArrived = true
                tell(event)
            }
        }
        guard hasArrived else { throw Self.strange }
    }

    /// Ends the process; nobody but us has the file then.
    func end() async { await child?.end() }

    private static let strange = UserError("the courier's process said what it may not say; nothing was taken")

    private func ask(_ order: CourierOrder, _ content: some Encodable, descriptors: [Descriptor] = []) throws -> Answer
    {
        let payload = Array(try JSONEncoder().encode(content))
        do {
            let call = try seam.call(order.rawValue, payload, descriptors: descriptors)
            call.finish()
            return Answer(call: call)
        } catch { throw UserError("the courier's process could not be asked") }
    }

    /// The parts of an answer; a failure in words.
    private struct Answer {
        let call: Call

        func next() async throws -> Part? {
            do { return try await call.next() } catch SeamError.failed(let words) {
                guard let failure = try? JSONDecoder().decode(CourierOrder.Failure.self, from: Data(words)) else {
                    throw RemoteCourier.strange
                }
                let rest = failure.kept ? "; what came is kept, and the same command goes on from there" : ""
                throw UserError(failure.sentence + rest)
            } catch { throw UserError("the courier's process ended; what came is kept") }
        }
    }
}
