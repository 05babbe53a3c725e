import Cell

extension Evidence {
    var memory: Finding {
        if let modelFault {
            return .problem("model", modelFault, remedy: "choose another model: cloister models list shows them")
        }
        guard let model = models.first, let availableMemory else {
            return .warning("model", "the free memory could not be read", remedy: "look at the memory with free")
        }
        let evidence =
            "\(model.id) needs \(Amount.bytes(model.needs)), \(Amount.bytes(availableMemory)) are free; "
            + (model.digest.map { "SHA-256 \($0)" } ?? "not used yet, so its SHA-256 is not known")
        let smaller = "choose a smaller model with: cloister models default NAME"
        if let obstacle = model.obstacles.first {
            return .problem("model", "\(model.id): \(obstacle)", remedy: smaller)
        }
        if !model.fits {
            return .problem("model", evidence + "; more than models may take", remedy: smaller + ", or raise --memory")
        }
        // A server's own model is in the memory already.
        if model.needs > availableMemory && !isHeld {
            return .warning("model", evidence, remedy: "close other programs, or " + smaller)
        }
        return .ok("model", evidence)
    }

    var found: Finding {
        let (broken, passed) = (models.filter { !$0.obstacles.isEmpty }.count, skipped)
        let evidence = "here: \(models.count), of these not running: \(broken); passed over in stores: \(passed)"
        return broken + passed == 0
            ? .ok("models", evidence) : .warning("models", evidence, remedy: "cloister models list says why of each")
    }

    var processor: Finding {
        let wanted = ["avx2", "fma", "f16c"]
        let missing = wanted.filter { !features.contains($0) }
        if kernels != "plain" {
            return .ok("processor", "\(kernels) kernels; it has \(wanted.joined(separator: ", "))")
        }
        return .warning(
            "processor", "plain kernels; it does not have \(missing.joined(separator: ", "))",
            remedy: "answers are right and slow here; a processor with AVX2 is many times faster")
    }

    var backtraces: Finding {
        crashes.backtrace == "enable=no"
            ? .ok("backtraces", "off: a crash prints no memory")
            : .problem(
                "backtraces", "SWIFT_BACKTRACE is \(crashes.backtrace ?? "not set") in this process",
                remedy: "start Cloister so that it may execute itself: /proc must be mounted")
    }

    var coreDumps: Finding {
        let limit = crashes.coreLimit ?? "unknown"
        let evidence =
            "limit \(limit), \(crashes.isDumpable ? "dumpable" : "not dumpable"), the system's pattern is \(crashes.corePattern)"
        return crashes.coreLimit == "0" && !crashes.isDumpable
            ? .ok("coredumps", evidence)
            : .problem("coredumps", evidence, remedy: "set the limit to 0: ulimit -c 0, or LimitCORE=0 for a service")
    }

    var swap: Finding {
        let bare = swaps.filter { !$0.isCovered }.map(\.name)
        if swaps.isEmpty { return .ok("swap", "there is none") }
        if bare.isEmpty {
            return .ok("swap", "on \(swaps.map(\.name).joined(separator: ", ")): encrypted or in memory")
        }
        return .warning(
            "swap",
            "on \(bare.joined(separator: ", ")), which is not seen to be encrypted: memory may be written there",
            remedy: "encrypt it, use zram, or turn it off with swapoff")
    }

    var clock: Finding {
        // Our choice: 2026-01-01, before this program was written.
        if now < 1_767_225_600 {
            return .problem(
                "clock", "it says a time before 2026", remedy: "set the clock; expiry and keys depend on it")
        }
        if let lastWrite, lastWrite > now + 300 {
            return .warning(
                "clock", "the archive was written \((lastWrite - now) / 60) minutes in the future",
                remedy: "set the clock; expiry and keys depend on it")
        }
        return .ok("clock", "not before the last write of the archive")
    }
}
