import Confinement
import Foundation
import Synchronization

/// A command that starts processes of ours and goes on: this one is locked as their supervisor.
protocol Supervising {
    /// The folders of its wall that have no standard place; made if they must be.
    func folders() throws -> [Purpose: String]
}

extension StreamAddress {
    /// What whoever waits here writes: the folder of its socket, in which it makes and removes that.
    var folders: [Purpose: String] {
        guard case .unix(let path) = self else { return [:] }
        return [.ownFolder: URL(filePath: path).deletingLastPathComponent().path]
    }
}

/// The process that a person starts as `cloister serve`: it, and with it every process that it will ever start, writes
/// in one folder and starts this program only; once it listens, the kernel denies them all connections to anywhere.
enum FirstProcess {
    private static let preparation = Mutex<Confinement.Preparation?>(nil)

    /// The first step, for the commands that serve others; call before the first `await`, while there is one thread.
    static func prepare(for arguments: [String]) {
        guard let command = try? Cloister.parseAsRoot(Array(arguments.dropFirst())) as? any Supervising else { return }
        // Whatever is wrong with the folders, the command itself says when it runs; until then it writes nowhere.
        let folders = (try? command.folders()) ?? [:]
        // What this kernel cannot do is said by `doctor` and by the panel; children that cannot be locked do not run.
        let prepared = try? Confinement.prepare(.supervisor, paths: folders)
        preparation.withLock { $0 = prepared }
    }

    /// The second step for a command that does not run without it.
    /// - Throws: `UserError`.
    static func sealed(_ range: SelfTestRange) throws {
        let report: SelfReport?
        do { report = try seal(trying: Targets(range.arguments[...])) } catch {
            throw UserError("this kernel did not lock the process (\(error)); it does not run")
        }
        guard report != nil else { throw UserError("this kernel did not lock the process; it does not run") }
    }

    /// The second step, when everything is open that it needs.
    /// - Parameter targets: what it then tries to reach, with sockets that were made before.
    /// - Returns: nil if the first step was not possible.
    static func seal(trying targets: consuming Targets?) throws -> SelfReport? {
        guard let prepared = preparation.withLock({ $0 }) else { return nil }
        let standing = try prepared.seal()
        var attempts: [Attempt] = []
        if let targets { attempts = Confinement.selfTest(.supervisor, targets) }
        return SelfReport(
            process: Int(ProcessInfo.processInfo.processIdentifier), standing: standing, attempts: attempts)
    }
}
