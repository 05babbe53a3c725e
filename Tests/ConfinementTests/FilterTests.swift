import CPlatform
import Testing

@testable import Confinement

/// The kernel's classic BPF machine, as far as filters of system calls use it.
private struct Machine {
    let program: [cp_instruction]

    init(_ role: Role) { program = Filter(role.permissions.calls.flatMap(\.rules), process: Self.process).program }

    static let process: Int32 = 4_242

    func run(_ number: Int, _ arguments: [UInt64] = [], architecture: UInt32 = Filter.architecture) -> UInt32 {
        var words = [UInt32(truncatingIfNeeded: number), architecture, 0, 0]
        for index in 0..<6 {
            let argument = index < arguments.count ? arguments[index] : 0
            words += [UInt32(truncatingIfNeeded: argument), UInt32(truncatingIfNeeded: argument >> 32)]
        }
        var (accumulator, position): (UInt32, Int) = (0, 0)
        while true {
            let step = program[position]
            position += 1
            switch step.code {
            case 0x20: accumulator = words[Int(step.k) / 4]
            case 0x54: accumulator &= step.k
            case 0x15: position += Int(accumulator == step.k ? step.if_true : step.if_false)
            case 0x35: position += Int(accumulator >= step.k ? step.if_true : step.if_false)
            case 0x45: position += Int(accumulator & step.k != 0 ? step.if_true : step.if_false)
            case 0x06: return step.k
            default: fatalError("an instruction that the filter does not use")
            }
        }
    }
}

/// What the table says, read in the plainest way.
private func expected(_ rules: [Rule], _ arguments: [UInt64]) -> UInt32 {
    for rule in rules {
        let holds = rule.conditions.allSatisfy { condition in
            switch condition {
            case .isNull(let index): arguments[index] == 0
            case .lacks(let index, let bits): UInt32(truncatingIfNeeded: arguments[index]) & bits == 0
            case .has(let index, let bit): UInt32(truncatingIfNeeded: arguments[index]) & bit == bit
            case .isThisProcess(let index): UInt32(truncatingIfNeeded: arguments[index]) == UInt32(Machine.process)
            case .among(let index, let values, let mask):
                values.contains(UInt32(truncatingIfNeeded: arguments[index]) & mask)
            }
        }
        guard holds else { continue }
        switch rule.answer {
        case .allowed: return Filter.allow
        case .hidden: return Filter.refuse | 38
        case .answered: return Filter.trap
        }
    }
    return Filter.refuse | 1
}

struct FilterTests {
    @Test(arguments: Role.allCases)
    func `the program says what the table says, for every number and many arguments`(_ role: Role) {
        let machine = Machine(role)
        let rules = Dictionary(grouping: role.permissions.calls.flatMap(\.rules)) { Int(cp_number($0.call)) }
        var random = SystemRandomNumberGenerator()
        let telling: [UInt64] = [
            0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 16, 0x800, 0x1000, 0x1_0000, 0x5421, 0x2000_0000, 1 << 32, 0x4242_0000_0000,
            UInt64(Machine.process), .max,
        ]
        for number in 0..<600 {
            for _ in 0..<(rules[number] == nil ? 1 : 100) {
                let arguments = (0..<6).map { _ in telling.randomElement(using: &random) ?? 0 }
                #expect(
                    machine.run(number, arguments) == expected(rules[number] ?? [], arguments), "\(number) \(arguments)"
                )
            }
        }
    }

    @Test(arguments: Role.allCases)
    func `another architecture and the second numbering end the process`(_ role: Role) {
        let machine = Machine(role)
        #expect(machine.run(0, architecture: 0x4000_0003) == Filter.kill)
        #if arch(x86_64)
            #expect(machine.run(0x4000_0000) == Filter.kill)
            #expect(machine.run(-1) == Filter.kill)
        #endif
    }

    #if arch(x86_64)
        @Test func `every call of the table has a number here`() {
            for rule in CallGroup.all.flatMap(\.rules) { #expect(cp_number(rule.call) >= 0, "\(rule.call)") }
            #expect(cp_number("no_such_call") == -1)
        }

        /// By number, so that a wrong name in the table cannot hide: socket, connect, accept, sendto, sendmsg, bind, listen,
        /// socketpair, fork, vfork, execve, ptrace, mount, keyctl, unshare, perf_event_open, open_by_handle_at, setns,
        /// process_vm_readv and writev, sendmmsg, bpf, execveat, userfaultfd, io_uring (3), pidfd_getfd, memfd_create.
        @Test(arguments: [Role.engine, .cell, .gateway, .endpoints])
        func `who sees plaintext or ciphertext has no way out`(_ role: Role) {
            let machine = Machine(role)
            let forbidden = [
                41, 42, 43, 44, 46, 49, 50, 53, 57, 58, 59, 101, 165, 250, 272, 298, 304, 308, 310, 311, 307, 321, 322,
                323,
                425, 426, 427, 438, 319, 288, 248, 155, 246, 175, 313,
            ]
            for number in forbidden { #expect(machine.run(number) == Filter.refuse | 1, "\(number)") }
            #expect(machine.run(56, [17]) == Filter.refuse | 1, "clone of a process")
            #expect(machine.run(9, [0, 0, 5]) == Filter.refuse | 1, "mmap of code")
        }
    #endif
}
