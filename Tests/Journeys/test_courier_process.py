"""The courier as a process of its own: what holds it, what it is given, and what it does when its control seam says other things."""

import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from conftest import BINARY
from registry import CONTENT, OLLAMA
from test_pull import registry  # noqa: F401 (a fixture)

CALL, ITEM, END, FAILURE, CREDIT = 1, 2, 3, 4, 5
BEGIN, ANNOUNCE, FETCH, REPORT = 1, 2, 3, 255
GRANTED = {"TCP connection", "TCP connection, made before", "UDP connect and write", "UDP connect and write, made before"}


class Role:
    """A courier process, and the other end of its control seam (docs/formats/seams.md)."""

    def __init__(self, home, *words):
        self.near, far = socket.socketpair()
        self.near.settimeout(20)
        self.last = 0
        command = ["bash", "-c", f'exec "$@" 3<&{far.fileno()} {far.fileno()}<&-', "sh", BINARY, "role", "courier", "-", *map(str, words)]
        self.process = subprocess.Popen(command, env=home.environment, pass_fds=[far.fileno()], stdin=subprocess.DEVNULL)
        far.close()

    def exactly(self, count):
        content = b""
        while len(content) < count:
            more = self.near.recv(count - len(content))
            if not more:
                raise EOFError
            content += more
        return content

    def ask(self, method, content=None, descriptors=()):
        """The parts of the answer, and what a failure says; None: it did not fail."""
        self.last += 1
        payload = b"" if content is None else json.dumps(content).encode()
        head = len(payload).to_bytes(4, "big") + self.last.to_bytes(4, "big")
        end = bytes(4) + self.last.to_bytes(4, "big") + bytes([END, 0, 0, 1])
        socket.send_fds(self.near, [head + bytes([CALL, method, len(descriptors), 1]) + payload + end], list(descriptors))
        parts = []
        while True:
            head = self.exactly(12)
            payload, kind = self.exactly(int.from_bytes(head[:4], "big")), head[8]
            if kind == ITEM:
                parts.append(payload)
                self.near.sendall((4).to_bytes(4, "big") + self.last.to_bytes(4, "big") + bytes([CREDIT, 0, 0, 1]) + (1).to_bytes(4, "big"))
            elif kind in (END, FAILURE):
                return parts, payload if kind == FAILURE else None

    def close(self):
        self.near.close()
        assert self.process.wait(10) == 0, "the process ends with its control seam"


@pytest.fixture
def role(home):
    role = Role(home)
    yield role
    role.close()


def children(process):
    return [int(word) for path in Path(f"/proc/{process}/task").glob("*/children") for word in path.read_text().split()]


def slowly(registry):
    def blob(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        for start in range(0, len(CONTENT), 1 << 16):
            handler.wfile.write(CONTENT[start:start + (1 << 16)])
            time.sleep(0.05)
    return blob


def test_a_pull_dials_from_a_locked_process_that_holds_one_file(home, registry):
    """Class: the one door out. Pass: the command holds no socket of a network, the courier one; it is filtered, has nobody's environment and one file."""
    registry.blob = slowly(registry)
    home.environment |= {"http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "RES_OPTIONS": "debug", "SSL_CERT_FILE": "/dev/null"}
    process = subprocess.Popen([BINARY, "models", "pull", OLLAMA, "--registries", registry.setting, "--data", str(home.data)],
                               env=home.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    part = home.data / f"models/.{registry.digest}.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size > 1 << 17):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    [courier] = children(process.pid)
    assert Path(f"/proc/{courier}/cmdline").read_bytes().split(b"\0")[:3] == [b"cloister", b"role", b"courier"]
    for thread in Path(f"/proc/{courier}/task").iterdir():
        status = (thread / "status").read_text()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    if os.geteuid() == 0:
        assert Path(f"/proc/{courier}/environ").read_bytes() == b"SWIFT_BACKTRACE=enable=no\0"
        network = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
        held = {who: [os.readlink(entry) for entry in Path(f"/proc/{who}/fd").iterdir() if entry.name not in "012"] for who in (process.pid, courier)}
        dialled = {who: {name[8:-1] for name in names if name.startswith("socket:")} & network for who, names in held.items()}
        assert not dialled[process.pid] and len(dialled[courier]) == 1, dialled
        files = {name for name in held[courier] if name.startswith("/")}
        assert files == {str(part)}, files
    assert process.wait(60) == 0
    assert (home.data / "models/tiny-1b.gguf").read_bytes() == CONTENT
    assert not Path(f"/proc/{courier}").exists(), "it is gone before the command says so"


def test_the_courier_may_dial_and_nothing_else(home):
    """Its self-test, aimed at listeners of this test; the four that succeed are those that the table grants."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        for one in (tcp, udp):
            one.bind(("127.0.0.1", 0))
        tcp.listen()
        role = Role(home, tcp.getsockname()[1], udp.getsockname()[1], home.root)
        [report], failure = role.ask(REPORT)
        role.close()
    report = json.loads(report)
    assert failure is None and report["standing"]["role"] == "courier" and report["standing"]["seccomp"] == 2
    succeeded = {attempt["name"] for attempt in report["attempts"] if not attempt.get("refusal")}
    assert len(report["attempts"]) >= 30 and succeeded == GRANTED


def test_the_courier_dials_whom_it_was_told_first_and_only_once(role, registry):
    order = {"reference": OLLAMA}
    assert role.ask(ANNOUNCE, order) == ([], b""), "it was not begun"
    two = {"registry": registry.setting, "airGap": False}
    assert "," in registry.setting and role.ask(BEGIN, two) == ([], b""), "one registry, not two"
    closed = {"registry": f"ollama={registry.origin}", "airGap": True}
    assert "the air gap is set" in json.loads(role.ask(BEGIN, closed)[1])["sentence"]
    assert registry.requests == []
    assert role.ask(BEGIN, closed | {"airGap": False}) == ([b""], None)
    assert role.ask(BEGIN, closed | {"airGap": False}) == ([], b""), "not twice"
    [announcement], _ = role.ask(ANNOUNCE, order)
    assert json.loads(announcement)["digest"] == registry.digest
    assert "is not configured" in json.loads(role.ask(ANNOUNCE, {"reference": "hub:org/repository"})[1])["sentence"]


def test_the_courier_fills_the_file_that_it_was_given_and_no_other(home, role, registry):
    role.ask(BEGIN, {"registry": f"ollama={registry.origin}", "airGap": False})
    announcement = json.loads(role.ask(ANNOUNCE, {"reference": OLLAMA})[0][0])
    assert role.ask(FETCH, {"announcement": announcement}) == ([], b""), "no file was given"
    target = home.root / "target"
    with open(target, "w+b") as file, open(target, "rb") as closed:
        refused = json.loads(role.ask(FETCH, {"announcement": announcement}, [closed.fileno()])[1])
        assert "cannot be written" in refused["sentence"] and target.stat().st_size == 0
        parts, failure = role.ask(FETCH, {"announcement": announcement}, [file.fileno()])
    assert failure is None and "arrived" in json.loads(parts[-1]) and target.read_bytes() == CONTENT
