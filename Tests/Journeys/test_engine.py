"""An engine that was started by hand, used by a server elsewhere."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from conftest import BINARY
sys.path[:0] = [str(Path(__file__).parent / "page"), str(Path(__file__).parent / "attacks")]
from page_fixtures import without_end  # noqa: E402
from processes import family, holds  # noqa: E402
from sweeping import canary  # noqa: E402

ASK = {"model": "default", "messages": [{"role": "user", "content": "What is Cloister?"}], "max_tokens": 12, "temperature": 0}


class ByHand:
    """`cloister engine` with a model, awaiting at a socket of its own."""

    def __init__(self, home, model, address):
        self.process = subprocess.Popen([BINARY, "engine", "--model", str(model), "--listen", address], env=home.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        home.processes.append(self.process)
        self.line = self.process.stdout.readline()


@pytest.fixture
def pair(home):
    home.init()
    home.token = home.key()
    home.headers = {"Authorization": f"Bearer {home.token}"}
    home.model = without_end(home.root / "endless.gguf")
    home.address = f"unix:{home.root}/engine.sock"
    home.engine = ByHand(home, home.model, home.address)
    assert home.engine.line == f"an engine for {home.model} waits at {home.address}\n", home.engine.process.stderr.read()
    return home


def ask(home, **more):
    return requests.post(home.url + "/v1/chat/completions", json=ASK | more, headers=home.headers, timeout=60)


def test_its_answers_are_the_same_and_it_sees_no_text(pair):
    """The same tokens as an engine of the server's own; of what is said it holds nothing readable."""
    pair.server = pair.serve("--model", pair.model)
    here = ask(pair).json()["choices"][0]["message"]["content"]
    pair.stop(pair.server)
    pair.server = pair.serve("--model", pair.model, "--engine", pair.address)
    said = canary()
    assert ask(pair).json()["choices"][0]["message"]["content"] == here
    assert ask(pair, messages=[{"role": "user", "content": said}]).status_code == 200
    there = family(pair.engine.process.pid)
    assert len(there) == 2, "the command and its engine"
    if os.geteuid() == 0:
        assert any(holds(pid, said) for pid in family(pair.server.pid)), "the control: a cell holds it"
        assert not any(holds(pid, said) for pid in there)
    own = sum(int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11]) for pid in there)
    assert own > 0, "it computed"


def test_its_socket_is_the_users_alone_and_its_processes_are_locked(pair):
    assert os.stat(pair.root / "engine.sock").st_mode & 0o077 == 0
    for pid in family(pair.engine.process.pid):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            assert "Seccomp:\t2" in (thread / "status").read_text()


def test_another_file_is_refused(pair):
    other = pair.root / "other.gguf"
    other.write_bytes(pair.model.read_bytes() + b"\0")
    pair.server = pair.serve("--model", other, "--engine", pair.address)
    reply = ask(pair)
    assert reply.status_code != 200 and "another file" in reply.text
    assert ask(pair, model="guide").status_code == 200


def test_its_end_is_said_and_the_server_goes_on(pair):
    pair.server = pair.serve("--model", pair.model, "--engine", pair.address)
    assert ask(pair).status_code == 200
    pair.engine.process.terminate()
    assert pair.engine.process.wait(10) == 0 and not (pair.root / "engine.sock").exists()
    deadline = time.monotonic() + 10
    while (reply := ask(pair)).status_code == 200:
        assert time.monotonic() < deadline
    assert "error" in reply.json()
    assert ask(pair, model="guide").status_code == 200


def test_garbage_at_its_socket_disturbs_nobody(pair):
    pair.server = pair.serve("--model", pair.model, "--engine", pair.address)
    for content in (b"", b"\0" * 12, os.urandom(4096), b"\xff" * 65_536, b"GET / HTTP/1.1\r\n\r\n"):
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(pair.root / "engine.sock"))
            try:
                wire.sendall(content)
            except OSError:
                pass
    assert ask(pair).status_code == 200


@pytest.mark.parametrize("arguments, said", [
    (["--engine", "unix:/nonexistent/engine.sock"], "nobody answers"), (["--engine", "tcp:127.0.0.1:1"], "an address is"),
    (["--engine", "unix:relative"], "an address is"), (["--engine", "vsock:x"], "numbers")])
def test_a_server_without_its_engine_does_not_start(home, arguments, said):
    home.init()
    model = without_end(home.root / "endless.gguf")
    result = home.run("serve", "--data", home.data, "--port", home.port, "--model", model, *arguments, check=False)
    assert result.returncode == 1 and said in result.stderr and result.stderr.count("\n") == 1, result.stderr


def test_an_engine_elsewhere_needs_the_models_file(home):
    home.init()
    result = home.run("serve", "--data", home.data, "--port", home.port, "--engine", f"unix:{home.root}/x.sock", check=False)
    assert result.returncode == 1 and "--model" in result.stderr


def has_vsock():
    """Whether this machine reaches itself over vsock."""
    try:
        with socket.socket(socket.AF_VSOCK) as waiting, socket.socket(socket.AF_VSOCK) as asking:
            waiting.bind((socket.VMADDR_CID_ANY, 18_420))
            waiting.listen()
            asking.settimeout(2)
            asking.connect((1, 18_420))
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_vsock(), reason="not shown: this machine has no vsock to itself")
def test_it_works_over_vsock(home):
    home.init()
    home.headers = {"Authorization": f"Bearer {home.key()}"}
    model = without_end(home.root / "endless.gguf")
    ByHand(home, model, "vsock:18421")
    home.server = home.serve("--model", model, "--engine", "vsock:1:18421")
    assert ask(home).status_code == 200
