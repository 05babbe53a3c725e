import Cell
import ServiceLifecycle

/// Locks what was idle for too long, every half minute.
struct Sweeper: Service {
    let host: CellHost

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: .seconds(30))
                await host.sweep()
            }
        }
    }
}
