import ArgumentParser
import CPlatform
import Glibc

// Before the first `await` there is one thread: the time to settle what every file and crash of this process looks like.
if cp_quiet_crashes(CommandLine.unsafeArgv) != 0 {
    perror("cloister: could not restart without crash output; stopping")
    exit(EX_OSERR)
}
umask(0o077)
signal(SIGPIPE, SIG_IGN)
if let process = RoleProcess.locked(by: CommandLine.arguments) { await process.run() }
FirstProcess.prepare(for: CommandLine.arguments)
await Cloister.run()
