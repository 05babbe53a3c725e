"""The tools of the crash matrices find what they look for: each is shown something that is lost or left, and says so."""

import re

import pytest

from house import House, canary
from residue import Residue


@pytest.fixture(scope="module")
def house():
    house = House()
    yield house
    house.close()


def test_what_is_not_there_is_found_missing(house):
    conversation = house.say()
    house.call("session")
    assert house.lost() == []
    house.turns[conversation].append("never said")
    house.messages["session"].append("never called")
    assert house.lost() == ["never said", "never called"]


def test_what_is_left_behind_is_found(house):
    residue, secret = Residue(house.home), canary()
    assert residue.of([secret]) == []
    (house.home.temporary / "left").write_bytes(b".." + secret.encode("utf-16-le"))
    (house.home.data / "core.17").write_bytes(b"anything")
    with open(house.home.root / "server.log", "a") as log:
        log.write("Fatal error: failed to allocate 65568 bytes of memory with alignment 8\nCurrent stack trace:\n")
        log.write("6                                       0x000055c41561fbfb <unavailable> + 2706427\n")
        log.write("something that a person said\n")
    left = "\n".join(residue.of([secret]))
    assert re.fullmatch(r"left holds what was said\nstandard error: 'something that a person said'\na core file: .*core\.17", left), left
