"""What else runs on this machine: how many cores others take, waiting for quiet, and neighbours made on purpose. Linux only: it reads /proc."""

import multiprocessing
import os
import resource
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count()
QUIET = 0.3  # cores
PERIOD = 0.01  # seconds; shorter than a scheduler's turn, so that no core is ever left alone for long


def busy_seconds():
    """Processor time of the whole machine since it started."""
    user, nice, system, _, _, interrupt, soft, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + interrupt + soft + steal) / TICK


def own_seconds():
    """Processor time of this process and of its children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def processor_seconds(process):
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Others:
    """Cores that others took while this was open; every child that was started within must have ended within."""

    def __enter__(self):
        self.start, self.busy, self.own = time.monotonic(), busy_seconds(), own_seconds()
        return self

    def __exit__(self, *_):
        took = busy_seconds() - self.busy - (own_seconds() - self.own)
        self.cores = max(took / (time.monotonic() - self.start), 0)


def wait_for_quiet(seconds):
    """Waits until others take less than a third of a core for two seconds, and says so if that did not come."""
    end = time.monotonic() + seconds
    while True:
        with Others() as others:
            time.sleep(2)
        if others.cores < QUIET:
            return
        if time.monotonic() > end:
            print(f"The machine was not quiet: others took {others.cores:.1f} of {CORES} cores.\n")
            return


def spin(share):
    while True:
        end = time.process_time() + PERIOD * share
        while time.process_time() < end:
            pass
        time.sleep(PERIOD * (1 - share))


class Neighbours:
    """Processes that want this share of all cores, each at most 80 % of one: they spin so much processor time of every 10 ms, then sleep."""

    def __init__(self, share):
        self.count = -int(-CORES * share // 0.8)
        self.share = CORES * share / self.count

    def __enter__(self):
        self.processes = [multiprocessing.Process(target=spin, args=(self.share,), daemon=True) for _ in range(self.count)]
        for process in self.processes:
            process.start()
        time.sleep(0.2)
        self.start, self.before = time.monotonic(), self.seconds()
        return self

    def seconds(self):
        return sum(processor_seconds(process.pid) for process in self.processes)

    def __exit__(self, *_):
        self.took = (self.seconds() - self.before) / (time.monotonic() - self.start) / CORES
        for process in self.processes:
            process.terminate()
            process.join()
