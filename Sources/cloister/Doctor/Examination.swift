import Archive
import Catalogue
import Cell
import Confinement
import Foundation
import Glibc
import Inference

/// Gathers the evidence; changes nothing and creates nothing.
struct Examination {
    private let settings: Settings
    private let path: String

    init(_ settings: Settings) throws {
        (self.settings, path) = (settings, try Session.absolute(settings.data))
    }

    func evidence() async -> Evidence {
        let isHeld = DataDirectory.isHeld(path: path)
        let holder = isHeld ? Kernel.holder(of: path + "/lock") : nil
        let (models, fault) = await self.models()
        return Evidence(
            path: path, directory: directory, isHeld: isHeld, holder: holder,
            answers: isHeld ? await answers() : false, port: settings.port,
            listener: SocketTables.listener(on: settings.port), user: geteuid(), freeBytes: Kernel.freeBytes(at: path),
            files: files, database: database(isHeld: isHeld), availableMemory: Kernel.availableMemory, models: models,
            modelFault: fault, skipped: catalogue.search().skipped.count, features: Kernel.features,
            kernels: Engine.instructions, crashes: Kernel.crashes, swaps: Kernel.swaps,
            buildDigest: Kernel.build, processes: holder.map(Kernel.family) ?? [], airGap: settings.airGap,
            registries: settings.registries.count, namespace: NetworkNamespace.own.name,
            confined: await confined(),
            now: Int(Date().timeIntervalSince1970), lastWrite: lastWrite,
            network: Evidence.Network(settings.reach, data: path))
    }

    /// What fresh processes of each role try; under an air gap there is no courier to try anything.
    private func confined() async -> [ConfinedProcess] {
        let range = SelfTestRange(data: path, isAirGapped: settings.isAirGapped)
        var reports = (try? await range.breakOuts()) ?? []
        if !settings.isAirGapped, let report = try? await range.breakOut(.courier) { reports.append(report) }
        return reports.map(\.described)
    }

    private var directory: Evidence.Directory {
        guard FileStatus(path) != nil else { return .absent }
        do throws(ArchiveError) {
            _ = try DataDirectory.trusted(path: path)
            return .trusted
        } catch .untrustedDirectory(let fault) { return .refused(fault.rawValue) } catch {
            return .refused("it cannot be looked at")
        }
    }

    private func answers() async -> Bool {
        (try? await HTTPCarrier.local(LocalSocket.path(in: path)).offer()) != nil
    }

    private static let names =
        [
            DataDirectory.databaseName, DataDirectory.databaseName + "-wal", DataDirectory.databaseName + "-shm",
            DataDirectory.nodeKeyName, "lock", "cloister.sock",
        ] + ServerIdentity.File.all

    private var files: [Evidence.File] {
        Self.names.compactMap { name in
            FileStatus("\(path)/\(name)").map {
                Evidence.File(name: name, mode: $0.mode, isOurs: $0.owner == geteuid())
            }
        }
    }

    private func database(isHeld: Bool) -> Evidence.Database {
        let held = Evidence.Database.unchecked("a server has it open; stop it to check")
        guard FileStatus("\(path)/\(DataDirectory.databaseName)") != nil else { return .absent }
        guard !isHeld else { return held }
        do throws(ArchiveError) {
            let directory = try DataDirectory(path: path)
            return try Archive.isWhole(in: directory) ? .whole : .damaged("SQLite's quick_check finds damage")
        } catch .inUse { return held } catch .untrustedDirectory { return .unchecked("the directory is refused") } catch
        {
            return .damaged(sentence(error))
        }
    }

    private var lastWrite: Int? {
        ["", "-wal"].compactMap { FileStatus("\(path)/\(DataDirectory.databaseName)\($0)")?.changed }.max()
    }

    private var catalogue: Catalogue {
        Catalogue(
            environment: ProcessInfo.processInfo.environment, folders: settings.models, own: OwnStore(in: path).path)
    }

    private func models() async -> ([ModelDescription], fault: String?) {
        do {
            let shelf = try await Shelf(settings, own: OwnStore(in: path))
            var models = await shelf.models()
            if let guide = models.firstIndex(where: \.guide) { models[guide].digest = try BuiltInGuide.open().digest() }
            return (models, nil)
        } catch { return ([], sentence(error)) }
    }
}
