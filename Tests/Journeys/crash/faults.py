"""What can befall a process: kill -9, a segmentation fault, a trap of the Swift runtime, and memory that cannot be had.

The kernel's own out-of-memory killer sends SIGKILL, which is the first; the last is the other way: an allocation fails, and the process ends itself or
refuses.
"""

import contextlib
import os
import platform
import resource
import signal
import threading
import time

import requests

from house import Refused, alive, ended
from talks import CUT

TRAP = signal.SIGILL if platform.machine() == "x86_64" else signal.SIGTRAP
SIGNALS = {"kill -9": signal.SIGKILL, "segmentation fault": signal.SIGSEGV, "trap": TRAP}
NO_MEMORY = "no memory"
LITTLE = 1 << 12  # Bytes.
FAULTS = [*SIGNALS, NO_MEMORY]


def strike(house, process, fault):
    """Lets it happen.

    Returns whether the process ended: one that cannot allocate may refuse instead.
    """
    if fault != NO_MEMORY:
        os.kill(process, SIGNALS[fault])
        assert ended([process], 5), f"the process goes on after {fault}"
        return True
    # Not RLIMIT_AS: a process over that one may still turn reserved memory into usable, as malloc does (mm/mprotect.c).
    before = resource.prlimit(process, resource.RLIMIT_DATA)
    resource.prlimit(process, resource.RLIMIT_DATA, (LITTLE, before[1]))
    demand(house, until=lambda: not alive(process))
    has_ended = ended([process], 0.2)
    # What was started meanwhile has the limit too.
    for one in house.family():
        with contextlib.suppress(ProcessLookupError):
            if resource.prlimit(one, resource.RLIMIT_DATA)[0] == LITTLE:
                resource.prlimit(one, resource.RLIMIT_DATA, before)
    return has_ended


def demand(house, until, at_once=4, seconds=1.5):
    """Asks every process, by many at once, for what needs memory; what is answered does not matter here."""
    long, end = "word " * 40_000, time.monotonic() + seconds
    body = {"model": "endless", "max_tokens": 2, "messages": [{"role": "user", "content": long}]}
    turns = [{"role": "user", "text": long, "time": "2026-01-01T00:00:00Z"}] * 2

    def ask():
        requests.post(house.home.url + "/v1/chat/completions", json=body | {"messages": [{"role": "user", "content": "word " * 300}]}, headers=house.headers, timeout=5)
        requests.post(house.home.url + "/v1/chat/completions", json=body, headers=house.headers, timeout=5)

    def keep():
        house.channel.ask("conversations.import", {"title": "long", "turns": turns})
        house.channel.ask("conversations.search", {"text": "word"})

    def again(what):
        while time.monotonic() < end and not until():
            with contextlib.suppress(Refused, AssertionError, *CUT):
                what()

    askers = [threading.Thread(target=again, args=[ask]) for _ in range(at_once)] + [threading.Thread(target=again, args=[keep])]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
