import Seams

/// The processes of cells at a host that was started by hand.
final class CellsElsewhere: Sendable {
    private let relay: Child

    /// - Parameters:
    ///   - trunk: a connection to the host.
    ///   - ended: called once when the host, and every cell with it, is gone.
    init(_ trunk: Descriptor, _ range: SelfTestRange, ended: @escaping @Sendable () -> Void) async throws {
        relay = try Child(.relay, range: range, answer: Child.nothing, ended: ended)
        do { _ = try await relay.control.ask(RelayOrder.near.rawValue, descriptors: [trunk]) } catch {
            throw UserError("the host of the cells could not be connected")
        }
    }

    /// What the relay says of itself.
    func report() async throws -> SelfReport { try await relay.report() }

    /// Has a process started there; it says nothing, and ends its seams, if there can be none.
    func start(
        answer: @escaping @Sendable (ServedCall) async throws -> Void, ended: @escaping @Sendable () -> Void
    ) throws -> Child {
        let ((control, farControl), (requests, farRequests)) = (try Descriptor.pair(), try Descriptor.pair())
        let call = try relay.control.call(RelayOrder.start.rawValue, descriptors: [farControl, farRequests])
        call.finish()
        Task { _ = try? await call.next() }
        return try Child(Begun(control: control, requests: requests), answer: answer, ended: ended)
    }
}
