import Seams

/// The orders that a role gets over its control seam, until whoever gives them is gone.
struct Orders: Sendable {
    private let control: Descriptor
    private let report: SelfReport
    private let ended: AsyncStream<Void>
    private let last: AsyncStream<Void>.Continuation

    /// - Parameter report: what every role answers with when it is asked for it.
    init(_ control: Descriptor, _ report: SelfReport) {
        (self.control, self.report) = (control, report)
        (ended, last) = AsyncStream<Void>.makeStream()
    }

    /// No more of them are answered.
    func end() { last.finish() }

    /// Answers them; returns after the last one.
    func answer(
        limits: SeamLimits = .control, _ answer: @escaping @Sendable (ServedCall) async throws -> Void
    ) async throws {
        let server = try SeamServer(control, limits: limits, closed: end) { [report] call in
            guard call.method != SelfReport.order else { return try await call.tell(report) }
            try await answer(call)
        }
        for await _ in ended {}
        server.close()
    }
}
