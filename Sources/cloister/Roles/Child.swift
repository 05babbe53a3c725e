import CPlatform
import Confinement
import Foundation
import Glibc
import Seams
import Synchronization

/// A process of ours: the same binary under a role, asked over its control seam.
///
/// It ends when nobody holds this value any more.
final class Child: Sendable {
    /// Where a child finds its control seam.
    static let controlDescriptor: Int32 = 3
    /// Where it finds the seam on which it asks us.
    static let requestDescriptor: Int32 = 4

    /// Its number, for `ps` and the privacy panel; 0 if it is elsewhere.
    let process: pid_t
    /// The way to ask it.
    let control: SeamClient
    /// Where it asks us; nil for roles that have nothing to ask.
    private let requests: SeamServer?

    /// For a role whose process may ask, where nothing is answered.
    static let nothing: @Sendable (ServedCall) async throws -> Void = { _ in throw SeamError.malformed }

    /// Starts a process.
    /// - Parameters:
    ///   - range: what it shall try to reach after it has locked itself; nil: nothing.
    ///   - folder: the one that it may write, for the gateway.
    ///   - limits: of the control seam.
    ///   - answer: answers what the process asks; none for roles that have nothing to ask.
    ///   - ended: called once when it is gone.
    /// - Throws: `UserError` if the machine does not let us.
    convenience init(
        _ role: Role, range: SelfTestRange?, folder: String? = nil, limits: SeamLimits = .control,
        answer: (@Sendable (ServedCall) async throws -> Void)? = nil,
        ended: @escaping @Sendable () -> Void = {}
    ) throws {
        let begun = try Begun(role, range, folder, asks: answer != nil)
        try self.init(begun, limits: limits, answer: answer, ended: ended)
    }

    /// The process behind these seams.
    init(
        _ begun: Begun, limits: SeamLimits = .control, answer: (@Sendable (ServedCall) async throws -> Void)?,
        ended: @escaping @Sendable () -> Void
    ) throws {
        let gone = Latch()
        do {
            control = try SeamClient(begun.control, limits: limits) {
                gone.raise()
                ended()
            }
            requests =
                if let socket = begun.requests, let answer {
                    try SeamServer(socket, limits: .control, answer: answer)
                } else {
                    nil
                }
        } catch { throw UserError("a process of Cloister could not be connected") }
        (process, self.gone) = (begun.process ?? 0, gone)
        life = begun.process.map { Life(of: $0) { gone.raise() } }
    }

    private let gone: Latch
    private let life: Life?

    /// Whether it still runs and listens.
    var isRunning: Bool { !gone.isRaised }

    deinit { control.close() }

    /// Ends the process at once, unless it is elsewhere; after this nothing of it writes any more.
    func end() async { await life?.end() }

    /// What it says of itself.
    /// - Throws: `UserError` if it does not answer.
    func report() async throws -> SelfReport {
        do {
            return try await control.ask(SelfReport.order, patience: .atOnce).read(SelfReport.self)
        } catch { throw UserError("a process of Cloister did not say what holds it") }
    }
}

/// A process that was started, and our ends of its seams.
struct Begun {
    /// Nil: it is elsewhere.
    let process: pid_t?
    let control: Descriptor
    /// Where it asks us; nil for roles that have nothing to ask.
    let requests: Descriptor?

    /// One that somebody else starts.
    init(control: Descriptor, requests: Descriptor) {
        (process, self.control, self.requests) = (nil, control, requests)
    }

    /// Starts one here.
    /// - Throws: `UserError` if the machine does not let us.
    init(_ role: Role, _ range: SelfTestRange?, _ folder: String? = nil, asks: Bool) throws {
        let far: [Descriptor]
        do {
            let (control, asking) = (try Descriptor.pair(), asks ? try Descriptor.pair() : nil)
            (self.control, requests) = (control.0, asking?.0)
            far = [control.1] + [asking?.1].compactMap { $0 }
        } catch { throw UserError("the \(role.rawValue) process could not be connected") }
        process = try Self.spawn(role, range, folder, far)
    }

    private static func spawn(
        _ role: Role, _ range: SelfTestRange?, _ folder: String?, _ descriptors: [Descriptor]
    ) throws -> pid_t {
        let words = ["cloister", RoleProcess.command, role.rawValue, folder ?? "-"] + (range?.words(for: role) ?? [])
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        let environment = ChildEnvironment(of: role)
        var process: pid_t = 0
        let code = cp_spawn(&process, arguments, environment.pointers, descriptors.map(\.raw), descriptors.count)
        guard code == 0 else {
            throw UserError("the \(role.rawValue) process could not be started: \(String(cString: strerror(code)))")
        }
        return process
    }
}

/// Something that happened, once and for all.
final class Latch: Sendable {
    private let value = Atomic(false)

    var isRaised: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}
