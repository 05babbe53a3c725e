import HTTPTypes
import Hummingbird
import Synchronization

/// Bounds the bodies of requests that are on their way at once, of all connections together.
///
/// A body counts as long as it says it is, from before it is read until it was handed on; one that does not say counts
/// as the largest.
final class BodyBudget: Sendable {
    private let largest: Int
    private let room: Mutex<Int>

    /// - Parameters:
    ///   - bytes: of all bodies at once.
    ///   - largest: bytes of the largest body that is read.
    init(bytes: Int, largest: Int) {
        room = Mutex(bytes)
        self.largest = largest
    }

    /// Runs what reads a request's body and hands it on.
    /// - Throws: `DoorRefusal` 503 if there is no room for it, before anything is read; what `body` throws.
    func holding<R>(_ request: Request, _ body: () async throws -> R) async throws -> R {
        let size = request.headers[.contentLength].flatMap { Int($0) }.map { min(max($0, 0), largest) } ?? largest
        guard take(size) else {
            throw DoorRefusal(
                status: 503, code: "busy", message: "Too much is being sent at this moment. Try again in a moment.")
        }
        defer { room.withLock { $0 += size } }
        return try await body()
    }

    private func take(_ size: Int) -> Bool {
        room.withLock { room in
            guard size <= room else { return false }
            room -= size
            return true
        }
    }
}
