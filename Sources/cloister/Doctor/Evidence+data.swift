extension Evidence {
    /// Everything that was judged, in the order in which it is shown.
    var findings: [Finding] {
        [
            dataDirectory, server, listening, beyond, permissions, integrity, space, memory, found, processor,
            backtraces,
            coreDumps, swap, clock, airGapped, keys, build, running,
        ] + walls
    }

    var dataDirectory: Finding {
        switch directory {
        case .absent: .ok("data", "\(path) is not there yet; the first start makes it")
        case .trusted: .ok("data", "\(path) belongs to this user and is closed to others")
        case .refused(let reason):
            .problem(
                "data", "\(path): \(reason)",
                remedy: "make it a folder of your own with mode 0700, or choose another with --data")
        }
    }

    var server: Finding {
        let who = holder.map { "process \($0)" } ?? "a process"
        if !isHeld { return .ok("server", "no server runs on this data directory") }
        if answers { return .ok("server", "\(who) holds the data directory and answers on its socket") }
        return .problem(
            "server", "\(who) holds the data directory and does not answer on its socket",
            remedy: "wait if it was started just now; else stop that process and start the server again")
    }

    var listening: Finding {
        switch (listener, isHeld) {
        case (nil, false): .ok("port", "\(port) is free")
        case (nil, true):
            .warning(
                "port", "nobody listens on \(port), so the server uses another port",
                remedy: "name the server's port with CLOISTER_PORT, or look at the link that it printed")
        case (user, true): .ok("port", "\(port) is taken by a process of this user, as the server's should be")
        case (let other?, _):
            .problem(
                "port", "\(port) is taken by a process of user \(other)",
                remedy: "stop that program, or choose another port with --port")
        }
    }

    var permissions: Finding {
        let open = files.filter { $0.mode & 0o077 != 0 || !$0.isOurs }.map { file in
            "\(file.name) has mode \(String(file.mode, radix: 8))\(file.isOurs ? "" : " and another owner")"
        }
        if !open.isEmpty {
            return .problem(
                "permissions", open.joined(separator: ", "),
                remedy: "take the files back: chown them to this user, and chmod 600")
        }
        return .ok("permissions", files.isEmpty ? "no files yet" : "\(files.count) files, each for this user only")
    }

    var integrity: Finding {
        switch database {
        case .absent: .ok("database", "there is none yet")
        case .whole: .ok("database", "SQLite's quick_check finds nothing")
        case .unchecked(let reason): .ok("database", "not checked: \(reason)")
        case .damaged(let reason):
            .problem(
                "database", reason,
                remedy: "copy the directory away as it is, then restore the last backup: cloister restore FILE")
        }
    }

    var space: Finding {
        guard let freeBytes else {
            return .warning("disk", "the free space could not be read", remedy: "look at the disk with df")
        }
        let evidence = "\(Amount.bytes(freeBytes)) free where the data lies"
        // Our choice: under the first SQLite's log may not fit, under the second it is time to act.
        if freeBytes < 256 << 20 { return .problem("disk", evidence, remedy: "free some space: nothing can be stored") }
        if freeBytes < 2 << 30 { return .warning("disk", evidence, remedy: "free some space soon") }
        return .ok("disk", evidence)
    }
}
