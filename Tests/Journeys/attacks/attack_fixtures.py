"""What the attacks share: a server with an owner and keys, one for a whole file where nothing is damaged."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "page"))

import conftest
from channel import Channel
from page_fixtures import without_end
from processes import is_alive

__all__ = ["house", "slow_house", "owner", "program", "started", "without_end"]


def owner(home):
    """A channel of the owner."""
    return Channel(home.port, {"passphrase": {"name": "Ada", "passphrase": conftest.PASSPHRASE}})


def program(home, token=None):
    """A channel of a program with an API key."""
    return Channel(home.port, {"key": {"token": token or home.token}})


def started(home, *arguments):
    home.init()
    home.token = home.key()
    home.server = home.serve(*arguments)
    home.headers = {"Authorization": f"Bearer {home.token}"}
    return home


@pytest.fixture(scope="module")
def house():
    """One server for all tests of a file; it lives to the end of them."""
    home = conftest.Home()
    try:
        yield started(home)
        assert is_alive(home.server), "the server died"
    finally:
        home.close()


@pytest.fixture(scope="module")
def slow_house(tmp_path_factory):
    """The same with a model that talks until it is stopped."""
    home = conftest.Home()
    try:
        yield started(home, "--model", without_end(tmp_path_factory.mktemp("models") / "endless.gguf"))
        assert is_alive(home.server), "the server died"
    finally:
        home.close()
