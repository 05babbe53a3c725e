"""Every process of one server: the one that was started and all that came from it."""

import os
import time
from pathlib import Path


def parents():
    """The parent of each process on this machine."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name in brackets may hold blanks and brackets itself.
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    return found


def family(pid):
    """The process and its descendants, oldest first."""
    above, members = parents(), [pid]
    for member in members:
        members += sorted(child for child, parent in above.items() if parent == member)
    return members


def resident(pid):
    """Resident memory of all the server's processes, bytes; shared pages are counted once for each."""
    total = 0
    for member in family(pid):
        try:
            total += int(Path(f"/proc/{member}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return total


def own_memory(pid):
    """Memory of one process that is no file's and nobody else's, bytes."""
    return int(next(line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("RssAnon"))) * 1024


def is_alive(server):
    return server.poll() is None


def alive(pid):
    """A killed child that nobody waited for is a zombie, not a process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def roles(server):
    """The processes that a server started, by role: as `ps` shows them."""
    found = {}
    for pid in family(server.pid)[1:]:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[:2] == [b"cloister", b"role"] and alive(pid):
            found.setdefault(words[2].decode(), []).append(pid)
    return found


def named(server, role):
    """The server's process of a role, of which there is one."""
    [found] = roles(server)[role]
    return found


def until(condition, what, seconds=10):
    """Waits until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def holds(pid, phrase):
    """Whether a phrase lies in the memory of that one process; as root."""
    wanted, found = phrase.encode() if isinstance(phrase, str) else phrase, False
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            place, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in place.split("-"))
            rest = b""
            for offset in range(start, end, 8 << 20):
                try:
                    memory.seek(offset)
                    piece = rest + memory.read(min(8 << 20, end - offset))
                except OSError:
                    break
                found = found or wanted in piece
                rest = piece[-len(wanted):]
    return found
