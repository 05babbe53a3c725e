"""Scripts/canary-sweep as the tests call it, and what is searched for."""

import random
import subprocess
import sys
import time
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "Scripts/canary-sweep"
LETTERS = "bcdfghklmnprstvwxz"


def canary(words=3):
    """A phrase that nobody else says; its pieces of 8 bytes are as rare."""
    return " ".join("".join(random.choices(LETTERS, k=9)) for _ in range(words))


def sweep(phrases, *arguments):
    """Calls the command.

    Returns its exit code, 0 for nothing found, and what it printed.
    """
    lines = [f"hex:{phrase.hex()}" if isinstance(phrase, bytes) else phrase for phrase in phrases]
    done = subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], input="\n".join(lines), text=True, capture_output=True, timeout=120)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def in_memory(server, phrases):
    """Which of the phrases lie in the memory of any of the server's processes, by their places in the list."""
    code, said = sweep(phrases, "--pid", server.pid, "--memory")
    assert code != 2, said
    found = {int(line.split(" as ")[0].rsplit(" ", 1)[1]) - 1 for line in said.splitlines() if line.startswith("found: phrase") and "memory of" in line}
    return {index for index in found}


def assert_gone_after_lock(server, phrases, seconds=2):
    """Class 18: phrases and keys that were in memory while it was unlocked are nowhere in any process of the server.

    To be called after the lock, once the cell is a process of its own whose end is the wipe; `in_memory` before the lock is the control.
    """
    deadline = time.monotonic() + seconds
    while left := in_memory(server, phrases):
        assert time.monotonic() < deadline, f"after the lock {len(left)} of {len(phrases)} are in memory still: {sorted(left)}"
        time.sleep(0.1)
