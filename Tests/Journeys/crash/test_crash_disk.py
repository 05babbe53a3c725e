"""A disk that fails: each write of each operation in turn, once or from then on. What was asked is there in full or not at all, and the person is told.

A sync that fails leaves open which: what was written before it may be there after the next start. Then that is what is said.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from house import House, Refused, conftest
from injection import CALLS, DATABASE, ERRORS, LOG, SYNCS, Fault, fired, holder_of_the_archive, injected, obstacle, shortened
from operations import ONLINE, Imports, StoresATurn
from soak_report import noted

ALL = "CLOISTER_DISK_ALL" in os.environ  # Every call of every operation; otherwise a sample.
LIMIT = 400  # More calls than any operation needs.
# What a sentence for people never has in it.
NOT_STORED, UNCHANGED = "not stored", "nothing was changed"
RAW = re.compile(r"sqlite|errno|error \d|errordomain|swift|optional\(|nserror|0x[0-9a-f]|\.swift|throw", re.IGNORECASE)

without_strace = pytest.mark.skipif(obstacle() is not None, reason=obstacle() or "")


def faults(kinds):
    """Which faults are tried, each kind until an operation needs fewer calls: every call, or a sample of them."""
    for error, forever in kinds:
        yield (Fault(error, first, forever) for first in (range(1, LIMIT) if ALL else SAMPLE.get((error, forever), ())))


KINDS = [(error, forever) for error in ERRORS for forever in (False, True)]
SLOW = [("ENOSPC", True), ("EIO", False)]  # Where each trial takes seconds.
SAMPLE = {("ENOSPC", True): [1], ("EIO", False): [2, 12]}


def assert_clear(message):
    assert len(message) > 20 and " " in message and not RAW.search(message), f"not a sentence for a person: {message}"


@pytest.fixture(scope="module")
def house():
    """One for all operations: they leave it as it was, or with more in it."""
    house = House()
    yield house
    house.close()


@pytest.fixture(scope="module")
def resting():
    """A data directory with something in it and no server."""
    house = House()
    house.say()
    house.home.stop(house.server)
    yield house
    house.close()


@without_strace
@pytest.mark.parametrize("kind", ONLINE, ids=lambda kind: kind.__name__)
def test_a_failing_write_leaves_all_or_nothing(house, kind):
    tally = Counter()
    for series in faults(SLOW if kind.is_slow else KINDS):
        for fault in series:
            if not disturbed(house, kind(house), fault, tally):
                break
    lost = house.lost(sessions=[])
    noted("failing writes", operation=kind.__name__, lost=len(lost), **tally)
    assert not lost and (tally["told that it failed"] or not ALL)


@without_strace
@pytest.mark.parametrize("kind", ONLINE if ALL else [StoresATurn, Imports], ids=lambda kind: kind.__name__)
def test_a_sync_that_fails_is_said_as_what_it_is(house, kind):
    tally = Counter()
    for first in range(1, LIMIT if ALL else 3):
        if not disturbed(house, kind(house), Fault("EIO", first, False), tally, SYNCS):
            break
    noted("failing syncs", operation=kind.__name__, lost=len(lost := house.lost(sessions=[])), **tally)
    assert not lost and tally["told that it failed"]


def disturbed(house, operation, fault, tally, calls=CALLS + ",write"):
    """One trial. Returns whether any call was made to fail."""
    log = house.home.root / "strace.log"
    process = holder_of_the_archive(house.family(), house.home.data)
    with injected(process, house.home.data, fault, log, calls):
        refusal = attempted(operation)
    if not (count := fired(log)):
        return False
    tally["trials"] += 1
    tally["calls that failed"] += count
    judge(house, operation, refusal, tally, str(fault))
    return True


def attempted(operation):
    try:
        operation.act()
        return None
    except Refused as refusal:
        return refusal


def judge(house, operation, refusal, tally, fault):
    """What is there after the process was killed and started again."""
    told = operation.told()
    if refusal:
        assert_clear(refusal.message)
        tally["told that it failed"] += 1
    house.kill()
    house.start()
    place, last = operation.place(), len(operation.steps) - 1
    assert place >= told, f"{fault}: acknowledged as far as “{operation.steps[told]}”, there is “{operation.steps[place]}”"
    assert refusal or place == last, f"{fault}: said to be done, there is “{operation.steps[place]}”"
    assert not refusal or NOT_STORED not in refusal.message or place == told, f"{fault}: “{refusal.message}”, and there is “{operation.steps[place]}”"
    tally[f"there was: {operation.steps[place]}"] += 1
    operation.finish()


@pytest.mark.parametrize("kind", ONLINE if ALL else [StoresATurn], ids=lambda kind: kind.__name__)
def test_a_short_write_leaves_all_or_nothing(house, kind):
    """The limit lies behind the end of the log: in the midst of a frame's header, of a page, at their ends, and behind what an operation needs."""
    tally = Counter()
    for more in (1, 23, 24, 25, 56, 1000, 4095, 4096, 4119, 4120, 4121, 9000, 20_000) if ALL else (1, 4119):
        operation = kind(house)
        process = holder_of_the_archive(house.family(), house.home.data)
        with shortened(process, (house.home.data / LOG).stat().st_size + more):
            refusal = attempted(operation)
        tally["trials"] += 1
        judge(house, operation, refusal, tally, f"{more} bytes left")
    lost = house.lost(sessions=[])
    noted("short writes", operation=kind.__name__, lost=len(lost), **tally)
    assert not lost and tally["told that it failed"]


class Command:
    """A command of the command line, and what it makes: a place that is not there before."""

    def __init__(self, house, name):
        self.home = house.home
        # Never the same place twice: the command line remembers which node was where.
        self.root = Path(tempfile.mkdtemp(prefix="command-", dir=self.home.root))
        self.made, self.arguments, self.works = getattr(self, name)()

    def init(self):
        data = self.root / "data"
        common = ["--data", data, "--owner", "Ada", "--passphrase-file", self.home.passphrase]
        return data / DATABASE[0], ["init", *common, "--recovery-out", self.root / "recovery"], lambda: self.owns(data)

    def backup(self):
        to = self.root / "backup"
        return to, ["backup", to, "--data", self.home.data], lambda: self.restores(to)

    def restore(self):
        made, to = self.home.root / "made.backup", self.root / "restored"
        if not made.exists():
            self.home.run("backup", made, "--data", self.home.data)
        return to, ["restore", made, "--data", to], lambda: self.owns(to)

    def models_add(self):
        data = self.root / "data"
        data.mkdir(mode=0o700)
        made = data / "models/mine.gguf"
        small = Path(__file__).resolve().parents[3] / "Sources/CGuide/guide.gguf"
        return made, ["models", "add", small, "--name", "mine", "--data", data], lambda: "is unchanged" in self.home.run("models", "verify", "mine", "--data", data).stdout

    def owns(self, data):
        listed = self.home.run("keys", "list", "--data", data, "--owner", "Ada", "--passphrase-file", self.home.passphrase, check=False)
        return listed.returncode == 0

    def restores(self, backup):
        done = self.home.run("restore", backup, "--data", self.root / "from backup", check=False)
        return done.returncode == 0 and self.owns(self.root / "from backup")

    def again(self):
        """The same once more, on a disk that works."""
        done = self.home.run(*self.arguments, check=False)
        return done.returncode == 0 and self.works()


COMMANDS = ["init", "backup", "restore", "models_add"]
COMMAND_CALLS = "pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate,write,rename,renameat2,mkdir"


@without_strace
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_on_a_failing_disk_does_all_or_nothing(resting, name):
    tally = Counter()
    for series in faults(SLOW):
        for fault in series:
            if not command_disturbed(resting, name, fault, tally):
                break
    noted("failing writes", operation=f"cloister {name}", lost=0, **tally)
    assert tally["trials"]


@without_strace
@pytest.mark.parametrize("name", ["backup", "restore", "models_add"])
def test_a_command_whose_sync_fails_says_so(resting, name):
    tally = Counter()
    for first in range(1, LIMIT):
        if not command_disturbed(resting, name, Fault("EIO", first, False), tally, SYNCS):
            break
    noted("failing syncs", operation=f"cloister {name}", lost=0, **tally)
    assert tally["told that it failed"] == tally["trials"] > 1


def command_disturbed(house, name, fault, tally, calls=COMMAND_CALLS):
    command, log = Command(house, name), house.home.root / "strace.log"
    log.unlink(missing_ok=True)
    files = [command.root, *command.root.rglob("*"), command.made, command.made.parent, *written(command)]
    try:
        done = subprocess.run(
            [*fault.arguments(log, calls, files), conftest.BINARY, *map(str, command.arguments)],
            env=house.home.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        if not (count := fired(log)):
            return False
        tally["trials"] += 1
        tally["calls that failed"] += count
        if done.returncode == 0:
            assert command.works(), f"{fault}: said to be done, and it is not"
            tally["there was: after"] += 1
            return True
        assert_clear(done.stderr)
        tally["told that it failed"] += 1
        if command.made.exists() and command.works():
            assert UNCHANGED not in done.stderr, f"{fault}: it is done, and this was said: {done.stderr}"
            tally["there was: after"] += 1
        else:
            assert command.again(), f"{fault}: neither done nor as before: {done.stderr}"
            tally["there was: before"] += 1
        return True
    finally:
        shutil.rmtree(command.root)


def written(command):
    """The files that a command writes on its way."""
    made, root = command.made, command.root
    sqlite = [root / "data" / name for name in DATABASE]
    staging = root / "restored.restoring"
    own = [root / "data/node.key.new", root / "data/node.key", root / "recovery", root / "data/models/.mine.gguf.new", root / "data/models/.models.json.new", root / "data/models/models.json"]
    return [*sqlite, *own, made.with_name(made.name + ".partial"), staging, *(staging / name for name in (*DATABASE, "node.key"))]
