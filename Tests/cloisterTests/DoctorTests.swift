import Cell
import Inference
import Testing

@testable import cloister

/// A machine on which everything is well.
private func well() -> Evidence {
    var model = ModelDescription(
        ModelInspection(unreadable: .truncated), id: "guide", name: "guide", context: 512, guide: true)
    (model.obstacles, model.needs) = ([], 4 << 20)
    return Evidence(
        path: "/home/ada/.local/share/cloister", directory: .trusted, isHeld: false, holder: nil, answers: false,
        port: 8_420, listener: nil, user: 1_000, freeBytes: 100 << 30,
        files: [.init(name: "archive.sqlite", mode: 0o600, isOurs: true)], database: .whole,
        availableMemory: 8 << 30, models: [model], modelFault: nil, skipped: 0, features: ["avx2", "fma", "f16c"],
        kernels: "avx2",
        crashes: .init(backtrace: "enable=no", coreLimit: "0", isDumpable: false, corePattern: "core"), swaps: [],
        buildDigest: "abc", processes: [], airGap: .off, registries: 0, namespace: "net:[1]",
        confined: ["supervisor", "gateway", "endpoints", "cell", "engine", "courier"].map { role in
            ConfinedProcess(
                role: role, process: 1, filtered: true, landlock: 7, lacking: [],
                attempts: [.init(name: "TCP connection", refusal: "EPERM", granted: false)], keys: "secret")
        },
        now: 1_800_000_000, lastWrite: 1_799_999_000)
}

/// An air gap under which every process is in a network.
private func gap(_ evidence: inout Evidence, _ network: String, refusal: String? = nil) {
    evidence.airGap = .policy
    evidence.confined = evidence.confined.map {
        ConfinedProcess(
            role: $0.role, process: $0.process, filtered: $0.filtered, landlock: $0.landlock, lacking: [],
            attempts: $0.attempts, network: .init(name: network, interfaces: ["lo"], refusal: refusal), keys: $0.keys)
    }
}

private func unfiltered(_ role: String) -> ConfinedProcess {
    ConfinedProcess(role: role, process: 1, filtered: false, landlock: nil, lacking: ["everything"], attempts: [])
}

private func cell(keys: String) -> ConfinedProcess {
    ConfinedProcess(role: "cell", process: 1, filtered: true, landlock: 7, lacking: [], attempts: [], keys: keys)
}

/// A server with one process of four threads.
private func serving(_ evidence: inout Evidence, filtered: Int) {
    (evidence.isHeld, evidence.answers) = (true, true)
    evidence.processes = [.init(role: "cell", process: 2, threads: 4, filtered: filtered, connections: nil)]
}

/// One thing that is otherwise, and the check that shall see it.
struct Case: Sendable {
    let check: String
    let change: @Sendable (inout Evidence) -> Void

    init(_ check: String, _ change: @escaping @Sendable (inout Evidence) -> Void) {
        (self.check, self.change) = (check, change)
    }
}

private func finding(_ change: Case) throws -> Finding { try finding(change.check, change.change) }

private func finding(_ check: String, _ change: (inout Evidence) -> Void) throws -> Finding {
    var evidence = well()
    change(&evidence)
    return try #require(evidence.findings.first { $0.check == check })
}

struct DoctorTests {
    @Test func `a machine on which everything is well has no remedies`() {
        #expect(
            well().findings.allSatisfy {
                $0.state == .ok && $0.remedy.isEmpty && !$0.evidence.isEmpty
            })
    }

    @Test func `the names of the checks stay`() {
        #expect(
            well().findings.map(\.check) == [
                "data", "server", "port", "tls", "permissions", "database", "disk", "model", "models", "processor",
                "backtraces", "coredumps", "swap", "clock", "airgap", "keys", "build", "processes", "supervisor",
                "gateway", "endpoints", "cell", "engine",
                "courier",
            ])
    }

    @Test(
        arguments: [
            Case("data") { $0.directory = .refused("it is not a directory") },
            Case("server") { $0.isHeld = true },
            Case("port") { $0.listener = 1_000 },
            Case("port") { ($0.isHeld, $0.answers, $0.listener) = (true, true, 0) },
            Case("permissions") { $0.files = [.init(name: "node.key", mode: 0o640, isOurs: true)] },
            Case("permissions") { $0.files = [.init(name: "node.key", mode: 0o600, isOurs: false)] },
            Case("database") { $0.database = .damaged("it is damaged") },
            Case("disk") { $0.freeBytes = 100 << 20 },
            Case("model") { ($0.models, $0.modelFault) = ([], "there is no model of that name") },
            Case("model") { $0.models[0].obstacles = ["the model file is incomplete"] },
            Case("model") { $0.models[0].fits = false },
            Case("backtraces") { $0.crashes.backtrace = nil },
            Case("backtraces") { $0.crashes.backtrace = "enable=yes" },
            Case("coredumps") { $0.crashes.coreLimit = "unlimited" },
            Case("coredumps") { $0.crashes.isDumpable = true },
            Case("coredumps") { $0.crashes.coreLimit = nil },
            Case("clock") { $0.now = 1_000 },
            Case("cell") { $0.confined = [] },
            Case("courier") { $0.confined.removeLast() },
            Case("processes") { serving(&$0, filtered: 3) },
            Case("engine") {
                $0.confined[1] = ConfinedProcess(
                    role: "engine", process: 1, filtered: true, landlock: 7, lacking: [],
                    attempts: [.init(name: "TCP connection", refusal: nil, granted: false)])
            },
        ])
    func `what keeps Cloister from working is a problem with a remedy`(_ change: Case) throws {
        let finding = try finding(change)
        #expect(finding.state == .problem && !finding.remedy.isEmpty)
    }

    @Test(
        arguments: [
            Case("port") { ($0.isHeld, $0.answers) = (true, true) },
            Case("disk") { $0.freeBytes = 1 << 30 },
            Case("disk") { $0.freeBytes = nil },
            Case("model") { $0.availableMemory = 1 << 20 },
            Case("models") { $0.skipped = 1 },
            Case("processor") { ($0.features, $0.kernels) = (["avx2", "fma"], "plain") },
            Case("swap") { $0.swaps = [.init(name: "/dev/sda2", isCovered: false)] },
            Case("clock") { $0.lastWrite = $0.now + 3_600 },
            Case("airgap") { $0.airGap = .setting },
            Case("build") { $0.buildDigest = nil },
            Case("keys") { $0.confined = [] },
            Case("keys") { $0.confined[2] = cell(keys: "ordinary") },
            Case("airgap") { gap(&$0, "net:[1]") },
            Case("airgap") { gap(&$0, "") },
            Case("airgap") { gap(&$0, "net:[1]", refusal: "EPERM") },
        ])
    func `what is worth knowing is a warning with a remedy`(_ change: Case) throws {
        let finding = try finding(change)
        #expect(finding.state == .warning && !finding.remedy.isEmpty)
    }

    @Test(
        arguments: [
            Case("data") { $0.directory = .absent },
            Case("server") { ($0.isHeld, $0.answers, $0.holder) = (true, true, 42) },
            Case("port") { ($0.isHeld, $0.answers, $0.listener) = (true, true, 1_000) },
            Case("database") { $0.database = .absent },
            Case("database") { $0.database = .unchecked("a server has it open") },
            Case("model") { ($0.isHeld, $0.availableMemory) = (true, 1 << 20) },
            Case("swap") { $0.swaps = [.init(name: "/dev/zram0", isCovered: true)] },
            Case("clock") { $0.lastWrite = nil },
            Case("airgap") { gap(&$0, "net:[2]") },
            Case("keys") { $0.confined[2] = cell(keys: "locked") },
            Case("processes") { serving(&$0, filtered: 4) },
            Case("courier") {
                gap(&$0, "net:[2]")
                $0.confined.removeLast()
            },
        ])
    func `what is as it should be is well`(_ change: Case) throws {
        #expect(try finding(change).state == .ok)
    }

    @Test func `a wall that cannot be built is said to be none`() throws {
        let finding = try finding("gateway") { $0.confined[1] = unfiltered("gateway") }
        #expect(finding.state == .problem && finding.evidence.hasPrefix("not enforced"))
    }

    @Test func `the missing features of a processor are named`() throws {
        let finding = try finding("processor") { ($0.features, $0.kernels) = (["avx2", "fma"], "plain") }
        #expect(finding.evidence.contains("f16c") && !finding.evidence.contains("avx2"))
    }
}

struct KernelTests {
    @Test func `a file of the kernel is read to its end, which is far behind its first page`() {
        #expect(Kernel.text("/proc/self/smaps").utf8.count > 20_000)
    }

    @Test func `the process that holds a lock is found by device and inode`() {
        let locks = """
            1: POSIX  ADVISORY  WRITE 7 fe:01:300 0 EOF
            2: FLOCK  ADVISORY  WRITE 42 fe:01:300 0 EOF
            2: -> FLOCK  ADVISORY  WRITE 43 fe:01:300 0 EOF
            3: FLOCK  ADVISORY  WRITE nonsense
            4: FLOCK  ADVISORY  WRITE 44 08:01:300 0 EOF
            """
        #expect(Kernel.holder(of: 300, device: 0xfe << 8 | 1, in: locks) == 42)
        #expect(Kernel.holder(of: 301, device: 0xfe << 8 | 1, in: locks) == nil)
        #expect(Kernel.holder(of: 300, device: 0xfe << 8 | 2, in: locks) == nil)
    }

    @Test func `swap counts as covered only if the kernel says so`() {
        let table = """
            Filename  Type  Size  Used  Priority
            /dev/dm-0 partition 1 0 -2
            /dev/dm-1 partition 1 0 -2
            /dev/zram0 partition 1 0 100
            /swapfile file 1 0 -3
            """
        let swaps = Kernel.swaps(in: table) { $0 == "dm-0" ? "CRYPT-PLAIN-swap\n" : "LVM-abc\n" }
        #expect(swaps.map(\.isCovered) == [true, false, true, false])
        #expect(Kernel.swaps(in: "Filename\n") { _ in "" }.isEmpty)
    }
}
