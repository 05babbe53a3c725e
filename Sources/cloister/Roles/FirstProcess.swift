import Confinement
import Foundation
import Synchronization

/// The process that a person starts as `cloister serve`: once it listens, the kernel denies it, and with it every
/// process that it will ever start, all connections to anywhere.
enum FirstProcess {
    private static let preparation = Mutex<Confinement.Preparation?>(nil)

    /// The first step, for the commands that serve others; call before the first `await`, while there is one thread.
    static func prepare(for arguments: [String]) {
        guard arguments.count > 1, ["serve", "engine", "cells"].contains(arguments[1]) else { return }
        // What this kernel cannot do is said by `doctor` and by the panel; children that cannot be locked do not run.
        let prepared = try? Confinement.prepare(.supervisor)
        preparation.withLock { $0 = prepared }
    }

    /// The second step for a command that does not run without it.
    /// - Throws: `UserError`.
    static func sealed(_ range: SelfTestRange) throws {
        do { _ = try seal(trying: Targets(range.arguments[...])) } catch {
            throw UserError("this kernel did not lock the process (\(error)); it does not run")
        }
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
