"""People's cells at a host that was started by hand, used by a server elsewhere."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from conftest import BINARY, PASSPHRASE
sys.path[:0] = [str(Path(__file__).parent / "page"), str(Path(__file__).parent / "attacks")]
from channel import Channel, Refused  # noqa: E402
from page_fixtures import without_end  # noqa: E402
from processes import alive, family, holds, named, roles, until  # noqa: E402
from sweeping import canary  # noqa: E402
from test_engine import has_vsock  # noqa: E402

ASK = {"model": "default", "messages": [{"role": "user", "content": "What is Cloister?"}], "max_tokens": 12, "temperature": 0}


class Host:
    """`cloister cells`, awaiting at a socket of its own."""

    def __init__(self, home, address):
        self.process = subprocess.Popen([BINARY, "cells", "--listen", address], env=home.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        home.processes.append(self.process)
        assert self.process.stdout.readline() == f"a host of cells waits at {address}\n", self.process.stderr.read()


@pytest.fixture
def apart(home):
    home.init()
    home.token = home.key()
    home.headers = {"Authorization": f"Bearer {home.token}"}
    home.address = f"unix:{home.root}/cells.sock"
    home.host = Host(home, home.address)
    home.model = without_end(home.root / "endless.gguf")
    return home


def ask(home, **more):
    return requests.post(home.url + "/v1/chat/completions", json=ASK | more, headers=home.headers, timeout=60)


def unlocked(home):
    return Channel(home.port, {"passphrase": {"name": "Ada", "passphrase": PASSPHRASE}})


def test_people_chat_and_their_words_are_there_only(apart):
    """With the guide, whose words are part of the program, and with a model file, of which only the beginning travels."""
    apart.server = apart.serve("--model", apart.model, "--cells", apart.address)
    channel, said = unlocked(apart), canary()
    conversation = channel.ask("conversations.create", {"offRecord": False})["id"]
    channel.pieces("conversations.send", {"text": f"{said} What is Cloister?", "model": "guide"}, conversation)
    assert ask(apart).json()["choices"][0]["message"]["content"]
    assert "cell" not in roles(apart.server) and len(roles(apart.server)["relay"]) == 1
    there = roles(apart.host)
    assert len(there["cell"]) >= 2 and len(there["relay"]) == 1
    if os.geteuid() == 0:
        assert any(holds(pid, said) for pid in there["cell"]), "the control: a cell there holds it"
        for pid in family(apart.server.pid) + there["relay"] + [apart.host.pid]:
            assert not holds(pid, said), f"{Path(f'/proc/{pid}/cmdline').read_bytes()[:30]} holds what was said"
        told = canary()
        assert ask(apart, messages=[{"role": "user", "content": told}]).status_code == 200
        assert holds(named(apart.server, "endpoints"), apart.token), "what programs send passes the server's endpoints"
        assert not holds(apart.server.pid, told) and not holds(named(apart.server, "gateway"), told)
    shown = channel.ask("evidence")["confined"]
    assert {"relay", "cell"} <= {process["role"] for process in shown}
    channel.ask("lock")
    again = unlocked(apart)
    assert [turn["text"] for turn in again.ask("conversations.read", {}, conversation)["turns"]][0].startswith(said)


def test_the_hosts_socket_is_the_users_alone_and_its_processes_are_locked(apart):
    apart.server = apart.serve("--cells", apart.address)
    unlocked(apart).ask("conversations")
    assert os.stat(apart.root / "cells.sock").st_mode & 0o077 == 0
    for pid in family(apart.host.pid) + roles(apart.server)["relay"]:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            assert "Seccomp:\t2" in (thread / "status").read_text()


def test_its_answers_are_the_same(apart):
    apart.server = apart.serve("--model", apart.model)
    here = ask(apart).json()["choices"][0]["message"]["content"]
    apart.stop(apart.server)
    apart.server = apart.serve("--model", apart.model, "--cells", apart.address)
    assert ask(apart).json()["choices"][0]["message"]["content"] == here


def test_a_lock_ends_the_process_there_and_a_killed_one_asks_for_the_passphrase(apart):
    apart.server = apart.serve("--cells", apart.address)
    channel = unlocked(apart)
    channel.ask("conversations")
    before = set(roles(apart.host)["cell"])
    channel.ask("lock")
    until(lambda: any(not alive(pid) for pid in before), "the cell goes on after the lock")
    channel = unlocked(apart)
    channel.ask("conversations")
    for pid in roles(apart.host)["cell"]:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(Refused) as refused:
        channel.ask("conversations")
    assert refused.value.status == 401
    unlocked(apart).ask("conversations")


def test_two_servers_share_no_cell(apart):
    """Each connection has a relay and processes of its own; the end of one server ends its cells, and no others."""
    apart.server = apart.serve("--cells", apart.address)
    channel = unlocked(apart)
    channel.ask("conversations")
    before = set(roles(apart.host)["cell"])
    other = subprocess.Popen([BINARY, "serve", "--data", str(apart.root / "other"), "--port", str(apart.port + 1), "--cells", apart.address], env=apart.environment, stdout=subprocess.PIPE, text=True)
    apart.processes.append(other)
    until(lambda: len(roles(apart.host)["relay"]) == 2, "the second server has no relay")
    until(lambda: set(roles(apart.host)["cell"]) - before, "the second server has no cell")
    other.kill()
    until(lambda: set(roles(apart.host)["cell"]) <= before, "cells outlive their server")
    until(lambda: len(roles(apart.host)["relay"]) == 1, "a relay outlives its server")
    channel.ask("conversations")


def test_without_its_host_the_server_ends_and_says_why(apart):
    apart.server = apart.serve("--cells", apart.address)
    unlocked(apart).ask("conversations")
    apart.host.process.kill()
    apart.server.wait(20)
    assert "the host of the cells is gone" in (apart.root / "server.log").read_text()
    result = apart.run("serve", "--data", apart.data, "--port", apart.port, "--cells", apart.address, check=False)
    assert result.returncode == 1 and "nobody answers at unix:" in result.stderr and result.stderr.count("\n") == 1


def test_a_host_that_stands_still_is_no_endless_wait(apart):
    apart.server = apart.serve("--cells", apart.address)
    unlocked(apart).ask("conversations")
    still = [apart.host.pid, *roles(apart.host)["relay"]]
    for pid in still:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises((Refused, OSError)):
            unlocked(apart)
    finally:
        for pid in still:
            os.kill(pid, signal.SIGCONT)
    until(lambda: ask(apart).status_code == 200, "nobody is served any more")


def test_under_an_air_gap_cells_run_here(apart):
    result = apart.run("serve", "--data", apart.data, "--port", apart.port, "--cells", apart.address, "--air-gap", check=False)
    assert result.returncode == 1 and "under an air gap cells run here" in result.stderr


@pytest.mark.skipif(not has_vsock(), reason="not shown: this machine has no vsock to itself")
def test_it_works_over_vsock(apart):
    Host(apart, "vsock:18431")
    apart.server = apart.serve("--cells", "vsock:1:18431")
    assert ask(apart).status_code == 200
