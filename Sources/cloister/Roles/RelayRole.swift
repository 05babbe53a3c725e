import Foundation
import Seams
import Synchronization

/// What a relay is told; `docs/formats/seams.md` §15.
enum RelayOrder: UInt8 {
    /// Descriptor: a trunk. It has processes started at the other end; once.
    case near = 1
    /// Descriptor: a trunk. It is the end where the processes are; once.
    case far
    /// Descriptors: the other ends of the control and the requests seam of a process that shall be started.
    case start
}

/// What a relay asks for at the end where the processes are; `docs/formats/seams.md` §15.
enum RelayRequest: UInt8 {
    /// Answered with a new cell's control seam and requests seam.
    case process = 1
    /// Answered with both ends of a socket.
    case pair
    /// A number of bytes (8); answered with a file of so many zeros, in memory.
    case file
}

/// The relay's process: carries the seams of cells that run elsewhere.
///
/// Token ids pass through it in the clear; everything else of a person is sealed.
enum RelayRole {
    static func run(_ orders: Orders, _ requests: Descriptor) async throws {
        let supplies = RelaySupplies(seam: try SeamClient(requests, limits: .control, closed: orders.end))
        let ends = Mutex<(near: TrunkClient?, far: TrunkServer?)>((nil, nil))
        try await orders.answer { call in
            guard let order = RelayOrder(rawValue: call.method), let socket = call.descriptors.first else {
                throw SeamError.malformed
            }
            try ends.withLock { ends in
                switch (order, ends.near, ends.far) {
                case (.near, nil, nil): ends.near = try TrunkClient(socket, closed: orders.end)
                case (.far, nil, nil): ends.far = try TrunkServer(socket, supplies, closed: orders.end)
                case (.start, let near?, _) where call.descriptors.count == 2:
                    try near.start(control: socket, requests: call.descriptors[1])
                default: throw SeamError.malformed
                }
            }
            try await call.send([])
        }
    }
}

/// What the process that started the relay makes for it, since the relay may make nothing.
private struct RelaySupplies: TrunkSupplies {
    let seam: SeamClient

    func process() async throws -> (Descriptor, Descriptor) { try await two(.process) }
    func pair() async throws -> (Descriptor, Descriptor) { try await two(.pair) }

    func file(count: UInt64) async throws -> Descriptor {
        guard let file = try await seam.ask(RelayRequest.file.rawValue, count.bigEndianBytes).descriptors.first else {
            throw SeamError.malformed
        }
        return file
    }

    private func two(_ request: RelayRequest) async throws -> (Descriptor, Descriptor) {
        let made = try await seam.ask(request.rawValue).descriptors
        guard made.count == 2 else { throw SeamError.malformed }
        return (made[0], made[1])
    }
}
