import Foundation
import Glibc
import Synchronization

/// The life of a process that this one started, as the kernel tells it: a signal goes to the process or to nobody, never
/// to another one that got its number.
final class Life: Sendable {
    private struct State {
        var isOver = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let process: pid_t
    private let state: Shared

    /// The thread that waits holds this part only.
    private final class Shared: Sendable { let value = Mutex(State()) }

    /// - Parameter over: called once, when it has ended.
    init(of process: pid_t, over: @escaping @Sendable () -> Void) {
        let state = Shared()
        (self.process, self.state) = (process, state)
        // A thread and no task: waiting blocks.
        Thread.detachNewThread {
            var information = siginfo_t()
            while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
            let waiting = state.value.withLock { state in
                var status: Int32 = 0
                // From here on the number may be another process's.
                while waitpid(process, &status, 0) < 0, errno == EINTR {}
                state.isOver = true
                defer { state.waiting = [] }
                return state.waiting
            }
            over()
            for continuation in waiting { continuation.resume() }
        }
    }

    /// Kills it if it still lives, and returns when it has ended.
    func end() async {
        await withCheckedContinuation { continuation in
            let isOver = state.value.withLock { state in
                guard !state.isOver else { return true }
                kill(process, SIGKILL)
                state.waiting.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }
}
