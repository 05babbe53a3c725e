"""Lets the writes of a process fail, one or all from some point on, as a full or a failing disk does: strace's fault injection.

Only calls on files are touched, never one on a socket. A short write cannot be made so (what strace reports as written was not): `shortened` takes a limit
of the file size, at which the kernel itself writes a part.
"""

import contextlib
import os
import resource
import shutil
import subprocess
import time
from pathlib import Path

CALLS = "pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate"
SYNCS = "fsync,fdatasync"
# What is called in the place of one that fails. Without it strace calls number -1, and the filter of a locked process ends it for that.
HARMLESS = "getpid"
ERRORS = ("ENOSPC", "EIO")
LOG = "archive/archive.sqlite-wal"
DATABASE = ("archive/archive.sqlite", LOG, "archive/archive.sqlite-shm")


def obstacle():
    """Why nothing can be injected here; None if it can."""
    if not shutil.which("strace"):
        return "not shown: strace is missing"
    tried = subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"], capture_output=True, text=True)
    if tried.returncode:
        return f"not shown: strace cannot trace here ({tried.stderr.strip()[:80]})"
    if os.geteuid() != 0:
        return "not shown: a locked process can be traced by root only"
    return None


class Fault:
    """Which call fails, and how: the `first` of a thread, alone or with all that follow."""

    def __init__(self, error, first, forever):
        self.error, self.first, self.forever = error, first, forever

    def __str__(self):
        return f"{self.error} at call {self.first}{' and after' if self.forever else ''}"

    def arguments(self, log, calls, files):
        when = f"{self.first}{'+' if self.forever else ''}"
        paths = [word for file in files for word in ("-P", str(file))]
        return ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}", "-e", f"inject={calls}:error={self.error}:syscall={HARMLESS}:when={when}", *paths]


def fired(log):
    """How many calls failed on purpose."""
    return log.read_text(errors="replace").count("(INJECTED)") if log.exists() else 0


@contextlib.contextmanager
def injected(process, data, fault, log, calls=CALLS + ",write"):
    """A running process whose writes into the data directory's database fail; afterwards it is let go."""
    log.unlink(missing_ok=True)
    arguments = fault.arguments(log, calls, [data / name for name in DATABASE])
    tracer = subprocess.Popen([*arguments, "-p", str(process)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_traced(process, tracer)
        yield
    finally:
        tracer.terminate()
        tracer.wait(10)


def wait_until_traced(process, tracer):
    deadline = time.monotonic() + 10
    while not all(f"TracerPid:\t{tracer.pid}\n" in status for status in statuses(process)):
        assert tracer.poll() is None and time.monotonic() < deadline, "strace did not attach"
        time.sleep(0.01)


def statuses(process):
    for thread in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(OSError):
            yield (thread / "status").read_text()


@contextlib.contextmanager
def shortened(process, limit):
    """A running process that may write no file beyond `limit` bytes: the write that crosses it is short, the next one fails."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)


def holder_of_the_archive(processes, data):
    """The process that has the database open."""
    for process in processes:
        for entry in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                if os.readlink(entry) == str(data / DATABASE[0]):
                    return process
    raise AssertionError("no process has the archive")
