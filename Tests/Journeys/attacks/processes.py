"""Every process of one server: the one that was started and all that came from it."""

import os
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


def is_alive(server):
    return server.poll() is None
