"""The power goes while two write: everything that was acknowledged before is there, and every sealed head verifies.

The first test cuts the power of a file system: its device is copied during the writes, and the copy is mounted, which replays its journal. What the kernel
had not written is gone, so it shows that what is acknowledged was synced. The device is copied in some milliseconds and not in one moment, which is harder
than a cut. The second one needs no root: it copies the files of the data directory while all processes stand still, as a file system with snapshots would;
every write that was made is in it, synced or not, so it shows that each moment between two writes can be opened again, and nothing about syncing.
"""

import contextlib
import os
import random
import shutil
import threading
import time

import pytest

from house import House, conftest
from snapshots import LoopDisk, obstacle, stopped
from soak_report import noted
from talks import CUT

ROUNDS = int(os.environ.get("CLOISTER_POWER_ROUNDS", "2"))


class Writers:
    """A person and a program who write without pause; what each was told is kept, is in the house's lists."""

    def __init__(self, house):
        self.house, self.done, self.problem = house, threading.Event(), None
        self.threads = [threading.Thread(target=self.run, args=[what]) for what in (self.person, self.program)]
        for thread in self.threads:
            thread.start()

    def run(self, what):
        number = 0
        try:
            while not self.done.is_set():
                what(number)
                number += 1
        except (AssertionError, *CUT) as problem:
            self.problem = problem

    def person(self, number):
        """A new conversation every few turns, renamed and, sometimes, another one deleted."""
        channel = self.house.channel
        if number % 4 == 0:
            self.conversation, gone = (channel.ask("conversations.create", {"offRecord": False})["id"] for _ in range(2))
            channel.ask("conversations.send", {"text": self.house.secret(), "model": "guide"}, gone)
            channel.ask("conversations.delete", {}, gone)
        self.house.say(self.conversation)
        channel.ask("conversations.change", {"title": f"number {number}"}, self.conversation)

    def program(self, number):
        self.house.call(f"session {number // 8}")

    def stop(self):
        self.done.set()
        for thread in self.threads:
            thread.join()
        assert not self.problem, self.problem


def kept(house):
    """What was acknowledged by now."""
    return ({name: list(texts) for name, texts in list(house.turns.items())}, {name: list(texts) for name, texts in list(house.messages.items())})


def lost(house, data, acknowledged):
    """Opens a copy of the data directory with a server of its own, and reads all of it. Returns what is not there."""
    other = object.__new__(House)
    other.home, other.headers, other.models, other.secrets = conftest.Home(), house.headers, house.models, []
    other.turns, other.messages = acknowledged
    other.home.data = data
    try:
        other.start()
        everything = other.channel.ask("conversations")["conversations"]
        assert not [one for one in everything if one["damaged"]], "a conversation does not open"
        for one in everything:
            other.channel.ask("conversations.read", {}, one["id"])
        missing = other.lost()
        other.home.stop(other.server)
        return missing
    finally:
        other.home.close()


def matrix(name, house, copied):
    """`copied` yields a data directory as it was at one moment, and takes it away again."""
    gone, looked_for, writers = [], 0, Writers(house)
    try:
        for number in range(ROUNDS):
            time.sleep(random.uniform(0.2, 0.6))
            acknowledged = kept(house)
            looked_for += sum(map(len, [*acknowledged[0].values(), *acknowledged[1].values()]))
            with copied(number) as data:
                gone += lost(house, data, acknowledged)
            renew(house)
    finally:
        writers.stop()
    noted(name, rounds=ROUNDS, acknowledged=looked_for, lost=len(gone))
    assert not gone and looked_for > ROUNDS


def renew(house, most=60):
    """What was read again is let go, so that reading does not take longer each time."""
    for kind in (house.turns, house.messages):
        for name in list(kind)[:-2] if sum(map(len, kind.values())) > most else ():
            kind.pop(name)


@pytest.mark.skipif(obstacle() is not None, reason=obstacle() or "")
def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path):
    disk = LoopDisk(tmp_path / "disk")
    house = House(disk.folder / "data")

    @contextlib.contextmanager
    def copied(number):
        (disk.folder / "unsynced").write_text("x" * 100)
        copy = LoopDisk(tmp_path / f"copy{number}", disk.copied(tmp_path / f"copy{number}.img"))
        unsynced = copy.folder / "unsynced"
        assert not unsynced.exists() or not unsynced.read_text(), "the control: what was not synced is lost in a cut"
        (disk.folder / "unsynced").unlink()
        try:
            yield copy.folder / "data"
        finally:
            copy.close()

    try:
        matrix("power cut", house, copied)
    finally:
        house.close()
        disk.close()


def test_each_moment_between_two_writes_opens_again(tmp_path):
    house = House()

    @contextlib.contextmanager
    def copied(number):
        copy = tmp_path / f"copy{number}"
        with stopped(house.family()):
            shutil.copytree(house.home.data, copy, ignore=lambda _, names: [name for name in names if name.endswith(".sock") or name == "socket"])
        copy.chmod(0o700)
        if number % 2:
            (copy / "archive/archive.sqlite-shm").unlink(missing_ok=True)  # Shared memory need not survive.
        try:
            yield copy
        finally:
            shutil.rmtree(copy)

    try:
        matrix("snapshot of the files", house, copied)
    finally:
        house.close()
