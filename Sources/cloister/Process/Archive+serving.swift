import Archive
import Channel
import Cryptography
import Endpoints
import Gateway

extension Archive {
    /// A copy of the whole archive in the data directory; its name.
    func snapshotForBackup() async throws -> String {
        do { return try await snapshot() } catch { throw DoorRefusal(translating: Refusal(archive: error)) }
    }

    /// What `/health` says of what lies here at this moment.
    func health() async -> Door.Health {
        let boxes = try? await sampleBoxes(limit: 256)
        return Door.Health(device: "cpu", isSealed: boxes.map { $0.allSatisfy(Box.looksSealed) } ?? false)
    }
}
