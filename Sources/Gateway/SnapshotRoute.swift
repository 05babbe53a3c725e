import Hummingbird
import NIOCore

/// `POST /cloister/v1/snapshot`, on the local socket only: who reaches the socket may read the data directory's files
/// anyway, and there is nothing but a file's name in the answer.
enum SnapshotRoute {
    static func add(to router: Router<GatewayContext>, _ snapshot: @escaping @Sendable () async throws -> String) {
        router.post("cloister/v1/snapshot") { _, _ in
            do {
                return Response(
                    status: .ok, headers: [.contentType: "text/plain"],
                    body: .init(byteBuffer: ByteBuffer(string: try await snapshot())))
            } catch let door as DoorRefusal {
                return refusal(.init(code: door.status), door.code, door.message)
            }
        }
    }
}
