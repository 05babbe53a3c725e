import ArgumentParser
import Catalogue
import Courier
import Foundation
import Inference
import References

extension Models {
    struct Pull: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fetch a model from a registry that you configured; nobody else is dialled.",
            discussion: """
                There is no standard registry. The setting registries says who may be asked,
                hub (Hugging Face) or ollama (Ollama, OCI), with commas between registries,
                and behind + whoever one may send on to:

                  hub=https://models.example+https://files.example

                An address of your own network is dialled only if it is written down, as in
                https://models.example[10.0.0.5]. What arrives must hash to what was
                announced, and to the same as last time. A pull that was cut off goes on
                where it stopped when you type it again.

                Examples:
                  cloister models pull hub:org/repository
                  cloister models pull hub:org/repository/model-Q8_0.gguf --name mine
                  cloister models pull hub:org/repository:Q5_K_M
                  cloister models pull ollama:tiny --registries ollama=https://models.example
                  cloister models pull ollama:llama3.2:1b --accept
                """)

        @OptionGroup var options: Options
        @Argument(help: "hub:ORG/REPOSITORY[@REVISION][/FILE.gguf | :TYPE] or ollama:[NAMESPACE/]NAME[:TAG].")
        var reference: String
        @Option(help: "Who may be asked: SHAPE=ORIGIN[+ORIGIN...], with commas between (default: nobody).")
        var registries: String?
        @Option(help: "What to call it (default: after the file, or after name and tag).")
        var name: String?
        @Flag(help: "Take it although the name stands for another file than when it was pulled before.")
        var accept = false
        @Flag(help: "Fetch nothing, whatever else is configured.")
        var airGap = false

        func run() async throws {
            try await explained {
                let (settings, _, own) = try await options.open([
                    "registries": registries, "air-gap": airGap ? "true" : nil,
                ])
                let wanted = try ModelReference(reference)
                let courier = try await RemoteCourier.start(for: wanted, settings)
                do { try await pull(wanted, courier, own) } catch {
                    await courier.end()
                    throw error
                }
            }
        }

        private func pull(_ wanted: ModelReference, _ courier: RemoteCourier, _ own: OwnStore) async throws {
            let announcement = try await courier.announce(wanted)
            if let model = try Self.present(announcement, own, called: name, isAccepted: accept) {
                return Terminal.say("\(model.id) is here already, SHA-256 \(announcement.digest)\n")
            }
            let model = try await fetch(announcement, courier, own)
            Terminal.say("pulled \(model.id), SHA-256 \(announcement.digest)\n")
            for obstacle in try model.open().inspect().obstacles { Terminal.note("but: \(obstacle)") }
        }

        /// The model, if the same file is in the store already; refuses a file that is not the one of last time, and a
        /// name that is taken, before anything is fetched.
        private static func present(
            _ announcement: Announcement, _ own: OwnStore, called name: String?, isAccepted: Bool
        ) throws -> FoundModel? {
            let known = own.memory().sources?[announcement.reference]
            guard isAccepted || known == nil || known == announcement.digest else {
                throw UserError(
                    "\(announcement.reference) is now SHA-256 \(announcement.digest), and was \(known ?? "") when it was pulled before; nothing was fetched. If that is right, say so with --accept"
                )
            }
            let name = try name ?? announcement.shortName
            guard OwnStore.isName(name) else { throw CatalogueError.badName }
            if let model = own.models(withDigest: announcement.digest).first(where: { $0.name == name }) {
                return model
            }
            let isTaken = FileManager.default.fileExists(atPath: "\(own.path)/\(name).gguf")
            guard !isTaken || isAccepted && known != nil else { throw CatalogueError.exists(name) }
            return nil
        }

        private func fetch(_ announcement: Announcement, _ courier: RemoteCourier, _ own: OwnStore) async throws
            -> FoundModel
        {
            let arrival = try await Self.arrival(of: announcement.digest, own)
            defer { own.leave(arrival) }
            let all = announcement.byteCount
            try await courier.fetch(announcement, validator: arrival.validator, into: arrival.descriptor) { event in
                switch event {
                case .began(let offset, let validator):
                    arrival.note(validator: validator)
                    if offset > 0 { Terminal.note("going on after \(Amount.bytes(offset))") }
                case .progress(let count): Terminal.progress("fetching", count, all)
                case .arrived: break
                }
            }
            // What is checked now must not change behind our back.
            await courier.end()
            return try own.settle(
                arrival, as: name ?? announcement.shortName, from: announcement.reference, replacing: accept
            ) { Terminal.progress("checking", $0, all) }
        }

        /// A courier whose command was killed ends a moment later, and lets go of the file then.
        private static func arrival(of digest: String, _ own: OwnStore) async throws -> Arrival {
            for _ in 0..<10 {
                do { return try own.arrival(of: digest) } catch CatalogueError.arriving {
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
            return try own.arrival(of: digest)
        }
    }
}

extension Announcement {
    /// What the model is called in the own store unless the person says otherwise.
    fileprivate var shortName: String {
        get throws { try ModelReference(reference).shortName(file) }
    }
}
