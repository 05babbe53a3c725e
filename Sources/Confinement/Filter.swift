import CPlatform

/// The table as classic BPF over `struct seccomp_data`: number at 0, architecture at 4, argument n at 16 + 8n.
///
/// Killed: another architecture, and x86-64's second numbering (x32). Let through: what a rule lets through. Else: EPERM.
struct Filter {
    let program: [cp_instruction]

    init(_ rules: [Rule], process: Int32) {
        var program = [Self.load(4), Self.jump(.equal, Self.architecture, 1, 0), Self.end(Self.kill), Self.load(0)]
        #if arch(x86_64)
            program += [Self.jump(.atLeast, 0x4000_0000, 0, 1), Self.end(Self.kill)]
        #endif
        for rule in rules {
            let number = cp_number(rule.call)
            if number >= 0 { program += Self.block(rule, number: UInt32(number), process: process) }
        }
        self.program = program + [Self.end(Self.refuse | Kernel.notPermitted)]
    }

    /// One rule.
    ///
    /// It falls through to the next one with the number loaded, if the call is another or a condition fails.
    private static func block(_ rule: Rule, number: UInt32, process: Int32) -> [cp_instruction] {
        var body = [end(action(rule.answer))]
        for condition in rule.conditions.reversed() {
            body = test(condition, failing: UInt8(body.count), process: process) + body
        }
        if !rule.conditions.isEmpty { body.append(load(0)) }
        return [jump(.equal, number, 0, UInt8(body.count))] + body
    }

    private static func action(_ answer: Rule.Answer) -> UInt32 {
        switch answer {
        case .allowed: allow
        case .hidden: refuse | Kernel.noSuchCall
        case .answered: trap
        }
    }

    /// A test that goes on if the condition holds, and else jumps over `failing` more instructions.
    private static func test(_ condition: Rule.Condition, failing: UInt8, process: Int32) -> [cp_instruction] {
        switch condition {
        case .isNull(let argument):
            return [
                load(offset(argument)), jump(.equal, 0, 0, failing + 2),
                load(offset(argument) + 4), jump(.equal, 0, 0, failing),
            ]
        case .lacks(let argument, let bits): return [load(offset(argument)), jump(.anyBit, bits, failing, 0)]
        case .has(let argument, let bit): return [load(offset(argument)), jump(.anyBit, bit, 0, failing)]
        case .isThisProcess(let argument):
            return test(.among(argument, [UInt32(bitPattern: process)]), failing: failing, process: process)
        case .among(let argument, let values, let mask):
            let jumps = values.enumerated().map { index, value in
                let remaining = UInt8(values.count - 1 - index)
                return jump(.equal, value, remaining, remaining == 0 ? failing : 0)
            }
            return [load(offset(argument)), cp_instruction(code: 0x54, if_true: 0, if_false: 0, k: mask)] + jumps
        }
    }

    /// Classic BPF's comparisons with a constant (`BPF_JMP | BPF_K`).
    private enum Comparison: UInt16 {
        case equal = 0x15
        case atLeast = 0x35
        case anyBit = 0x45
    }

    /// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64`; both are little-endian, so an argument's low half comes first.
    #if arch(x86_64)
        static let architecture: UInt32 = 0xC000_003E
    #else
        static let architecture: UInt32 = 0xC000_00B7
    #endif
    static let kill: UInt32 = 0x8000_0000
    static let allow: UInt32 = 0x7FFF_0000
    static let trap: UInt32 = 0x0003_0000
    static let refuse: UInt32 = 0x0005_0000

    private static func offset(_ argument: Int) -> UInt32 { 16 + 8 * UInt32(argument) }

    private static func load(_ offset: UInt32) -> cp_instruction {
        cp_instruction(code: 0x20, if_true: 0, if_false: 0, k: offset)
    }

    private static func jump(_ test: Comparison, _ value: UInt32, _ yes: UInt8, _ no: UInt8) -> cp_instruction {
        cp_instruction(code: test.rawValue, if_true: yes, if_false: no, k: value)
    }

    private static func end(_ action: UInt32) -> cp_instruction {
        cp_instruction(code: 0x06, if_true: 0, if_false: 0, k: action)
    }
}
