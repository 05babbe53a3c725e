import CPlatform
import Confinement
import Foundation

/// What a probe says of itself; `Tests/ConfinementTests` reads it.
struct ProbeReport: Codable {
    /// The self-test before the lock.
    let control: [Attempt]
    let standing: Standing
    /// What a thread that ran before the filter got for a socket: an error's name.
    var earlyThread: String?
    /// Each piece of work: "ok", or what went wrong.
    var work: [String: String] = [:]
    /// The self-test after the lock.
    var attempts: [Attempt] = []
    /// For supervisors: what its children said, by role.
    var children: [String: ProbeReport] = [:]

    init(control: [Attempt], standing: Standing) { (self.control, self.standing) = (control, standing) }
}

/// A directory of its own, with a data directory in it; removed at the end by whoever started the probe.
struct Scratch {
    static let temporary = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let path: String
    var data: String { path + "/data" }
    var model: String { path + "/model" }

    init() {
        var template = Array((Self.temporary + "/cloister-probe-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no temporary directory") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        mkdir(data, 0o700)
        let weights = Array(repeating: UInt8(7), count: 1 << 20)
        precondition(FileManager.default.createFile(atPath: model, contents: Data(weights)))
    }
}

/// A thread that is there before the filter, and tries afterwards.
final class EarlyThread: Sendable {
    private let go = DispatchSemaphore(value: 0), done = DispatchSemaphore(value: 0)
    private let result = Box()

    private final class Box: @unchecked Sendable { var value = 0 }

    init() {
        let (go, done, result) = (go, done, result)
        let running = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            running.signal()
            go.wait()
            result.value = cp_call("socket", 2, 3, 1, 0, 0, 0)
            done.signal()
        }
        running.wait()
    }

    func attempt() -> String {
        go.signal()
        done.wait()
        return result.value < 0 ? String(cString: cp_error_name(Int32(-result.value))) : "succeeded"
    }
}

/// Nanoseconds of a call that is allowed whatever its arguments are, and of one whose arguments are looked at.
struct Cost {
    let plain: Double, conditional: Double

    static func measure() -> Cost { Cost(plain: best { _ = getppid() }, conditional: best { _ = fcntl(0, F_GETFD) }) }

    private static func best(_ call: () -> Void) -> Double {
        let rounds = 200_000
        return (0..<9).map { _ in
            let start = DispatchTime.now().uptimeNanoseconds
            for _ in 0..<rounds { call() }
            return Double(DispatchTime.now().uptimeNanoseconds - start) / Double(rounds)
        }.min() ?? 0
    }
}
