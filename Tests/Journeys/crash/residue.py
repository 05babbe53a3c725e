"""What a crash could leave behind: core files, lines on standard error, phrases in files."""

import os
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from test_sealing import found  # noqa: E402

# What the supervisor says of a process; what the runtimes of C++ and Swift say when an allocation fails: a number of bytes, names and addresses of functions.
HARMLESS = re.compile(r"cloister: the (gateway|endpoints) process had ended and was started again|terminate called after throwing an instance of 'std::bad_alloc'|  what\(\):  std::bad_alloc|Fatal error: failed to allocate \d+ bytes of memory with alignment \d+|Current stack trace:|\d+ +(\S+ +)?0x[0-9a-f]+ .* \+ \d+|")
PATTERN = Path("/proc/sys/kernel/core_pattern")


class Residue:
    """Looks at the home of a server, at its standard error, and where this kernel would put a core file."""

    def __init__(self, home):
        self.home, self.began = home, time.time() - 1

    def of(self, secrets):
        """Everything that was left, in words; empty if nothing was."""
        left = [f"{name} holds what was said" for name, _ in found(secrets, [self.home.root])]
        left += [f"standard error: {line!r}" for line in (self.home.root / "server.log").read_text(errors="replace").splitlines() if not HARMLESS.fullmatch(line)]
        return left + [f"a core file: {path}" for path in self.cores()]

    def cores(self):
        pattern = PATTERN.read_text().strip()
        places = {Path.cwd(), Path("/tmp"), self.home.root, self.home.data, self.home.temporary, Path("/var/lib/systemd/coredump"), Path("/var/crash")}
        if not pattern.startswith("|") and "/" in pattern:
            places.add(Path(pattern).parent)
        files = (path for place in places if place.is_dir() for path in place.iterdir())
        return [path for path in files if "core" in path.name and path.is_file() and os.stat(path).st_mtime >= self.began]
