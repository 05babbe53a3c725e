import Foundation
import Synchronization
import UnixSignals

/// What Ctrl-C means now: it stops the answer that is being made; where there is none, it ends the command.
final class Interrupts: Sendable {
    /// Asks the node to stop; whether it did, or there is nothing left to stop.
    typealias Stop = @Sendable () async -> Bool

    private struct State {
        var isAnswering = false
        var stop: Stop?
    }

    private static let pause = Duration.milliseconds(30)
    private let state = Mutex(State())

    /// Listens from now on.
    init() {
        Task { [weak self] in
            for await _ in await UnixSignalsSequence(trapping: .sigint) {
                guard let self, await self.isAnswering() else { exit(130) }
                await self.stopAnswer()
            }
        }
    }

    /// From here to `end`, Ctrl-C is about an answer.
    func begin() { state.withLock { $0.isAnswering = true } }

    /// From here on the answer can be stopped.
    func stoppable(_ stop: @escaping Stop) { state.withLock { $0.stop = stop } }

    func end() { state.withLock { $0 = State() } }

    /// A line that was just ended becomes an answer in a moment.
    private func isAnswering() async -> Bool {
        for _ in 0..<4 where !state.withLock({ $0.isAnswering }) { try? await Task.sleep(for: Self.pause) }
        return state.withLock { $0.isAnswering }
    }

    /// Whoever is quick presses before there is anything to stop; then it is stopped as soon as there is.
    private func stopAnswer() async {
        while case let current = state.withLock({ $0 }), current.isAnswering {
            if let stop = current.stop, await stop() { return }
            try? await Task.sleep(for: Self.pause)
        }
    }
}
