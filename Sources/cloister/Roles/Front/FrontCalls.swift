import Channel
import Foundation
import Gateway
import Seams

/// What the supervisor asks of the gateway; `docs/formats/seams.md` §9.
enum GatewayOrder: UInt8 {
    /// A `Begin`; answered by whether there are accounts, one byte. Once.
    case begin = 1
    /// One byte says from where it comes; descriptor: a connection. Answered when it has ended.
    case connection
    /// Descriptor: a seam on which the endpoints ask.
    case endpoints
    /// Descriptors: the kernel's tables; answered by the sockets in them that the process holds.
    case sockets
    /// Ends, after what is being answered was told so.
    case end

    struct Begin: Codable, Sendable {
        let port: Int
        /// The archive's folder.
        let folder: String
        /// What it answers with over TLS; nil if nobody comes that way.
        let secure: SecureOptions?
    }
}

/// What the gateway asks of the supervisor; `docs/formats/seams.md` §10.
enum GatewayRequest: UInt8 {
    /// Answered by the record of a fresh key, with a challenge.
    case offer = 1
    /// An opening; descriptors of the answer: the door seam and the store seam of the process that will judge it.
    case admit
}

/// What the supervisor asks of the endpoints; `docs/formats/seams.md` §11.
enum EndpointsOrder: UInt8 {
    /// The port, two bytes; descriptor: a seam to the gateway. Again if there is a new gateway.
    case begin = 1
    /// Descriptor: a connection. Answered when it has ended.
    case connection
    /// Descriptors: the kernel's tables; answered by the sockets in them that the process holds.
    case sockets
}

/// What the endpoints ask of the gateway; `docs/formats/seams.md` §12.
enum EndpointsCall: UInt8 {
    case offer = 1
    /// An opening; answered by the sealed reply.
    case open
    /// Fields: route, action, object, sealed request; answered by an empty part, and then sealed pieces.
    case ask
    /// Whether everything in the archive was found sealed just now: one byte.
    case health
}

extension SeamLimits {
    /// Between the supervisor and the processes that have connections: one call for each.
    static let connections = SeamLimits(payload: 1 << 20, descriptors: 2, calls: 1_024)
}
