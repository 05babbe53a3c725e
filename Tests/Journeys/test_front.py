"""The processes that speak HTTP: who sees what, who gets which connection, and what the end of one does to the others."""

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from conftest import PASSPHRASE
sys.path[:0] = [str(Path(__file__).parent / "page"), str(Path(__file__).parent / "attacks")]
from channel import Channel, Refused  # noqa: E402
from processes import family, holds, named, until  # noqa: E402
from sweeping import canary  # noqa: E402

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="not shown: reading a process's memory needs root")
ASK = {"model": "default", "messages": [{"role": "user", "content": "What is Cloister?"}], "max_tokens": 8}


def unlocked(home):
    return Channel(home.port, {"passphrase": {"name": "Ada", "passphrase": PASSPHRASE}})


def ask(home, **more):
    return requests.post(home.url + "/v1/chat/completions", json=ASK | more, headers=home.headers, timeout=30)


def answers(home):
    try:
        return requests.get(home.url + "/health", timeout=5).status_code == 200 and requests.get(home.url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def is_refused(channel):
    try:
        channel.ask("conversations")
        return False
    except Refused as refusal:
        return refusal.status == 401


@ROOT
def test_the_gateway_and_the_supervisor_never_hold_what_is_said(served):
    """Blindness. Pass: what is typed on the page, and what a program sends, is in a cell; in the gateway and the supervisor it never is, nor in the endpoints once a request is answered."""
    typed, sent = canary(), canary()
    channel = unlocked(served)
    conversation = channel.ask("conversations.create", {"offRecord": False})["id"]
    channel.pieces("conversations.send", {"text": typed}, conversation)
    assert ask(served, messages=[{"role": "user", "content": sent}]).status_code == 200
    blind = [served.server.pid, named(served.server, "gateway")]
    others = [pid for pid in family(served.server.pid) if pid not in blind]
    assert any(holds(pid, typed) for pid in others) and any(holds(pid, sent) for pid in others), "the control: both are in cells"
    assert holds(named(served.server, "endpoints"), served.token), "the control: the endpoints keep the key for a minute"
    for phrase in (typed, sent):
        assert not holds(named(served.server, "endpoints"), phrase), "the endpoints keep what was said"
    for pid in blind:
        for phrase in (typed, sent, PASSPHRASE, served.token):
            assert not holds(pid, phrase), f"{Path(f'/proc/{pid}/cmdline').read_bytes()[:30]} holds what was said"


@ROOT
def test_the_gateway_reaches_neither_the_identity_nor_the_models(served):
    """Its folder is the archive's: what else is in the data directory is not open in it, and each of its attempts to write elsewhere was refused."""
    seed = (served.data / "node.key").read_bytes()
    gateway = named(served.server, "gateway")
    held = [os.readlink(entry) for entry in Path(f"/proc/{gateway}/fd").iterdir()]
    files = [name for name in held if name.startswith("/") and not name.startswith("/dev/") and name != str(served.root / "server.log")]
    assert files and all(Path(name).parent == served.data / "archive" for name in files), files
    assert not holds(gateway, seed) and not holds(named(served.server, "endpoints"), seed)
    report = next(process for process in unlocked(served).ask("evidence")["confined"] if process["role"] == "gateway")
    assert report["process"] == gateway and report["filtered"]
    assert len(report["attempts"]) > 20 and all(attempt.get("refusal") for attempt in report["attempts"]), report["attempts"]


def test_a_gateway_that_ends_is_started_again_and_nothing_is_lost(served):
    """People unlock again, programs notice nothing after a moment."""
    channel = unlocked(served)
    conversation = channel.ask("conversations.create", {"offRecord": False})["id"]
    channel.pieces("conversations.send", {"text": "What is Cloister?"}, conversation)
    for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGILL):
        before = named(served.server, "gateway")
        os.kill(before, number)
        until(lambda: answers(served), f"nobody answers after {number.name}", 5)
        assert named(served.server, "gateway") != before
        until(lambda: ask(served).status_code == 200, "programs are not served any more", 5)
        assert is_refused(channel)
        channel = unlocked(served)
        assert [turn["role"] for turn in channel.ask("conversations.read", {}, conversation)["turns"]] == ["user", "assistant"]


def test_endpoints_that_end_disturb_nobody_on_the_page(served):
    channel = unlocked(served)
    before = named(served.server, "endpoints")
    os.kill(before, signal.SIGKILL)
    assert "conversations" in channel.ask("conversations")
    until(lambda: answers(served) and ask(served).status_code == 200, "programs are not served any more", 5)
    assert named(served.server, "endpoints") != before and "conversations" in channel.ask("conversations")


def test_a_connection_belongs_to_one_side(served):
    """The other side's paths are answered 421 and the connection is given up; a new one is right."""
    for first, second in (("/", "/health"), ("/health", "/"), ("/cloister/v1/node", "/v1/models"), ("/v1/models", "/cloister/v1/node")):
        with requests.Session() as session:
            assert session.get(served.url + first, headers=served.headers).status_code == 200
            reply = session.get(served.url + second, headers=served.headers)
            assert reply.status_code == 421 and reply.headers["Connection"] == "close"
            assert session.get(served.url + second, headers=served.headers).status_code == 200


@pytest.mark.parametrize("start, status", [
    (b"GET /health HTTP/1.1\r\n", b"200"), (b"GET /health?x=1 HTTP/1.1\r\n", b"200"), (b"GET / HTTP/1.1\r\n", b"200"),
    (b"GET /v1/models HTTP/1.1\r\n", b"401"), (b"GET /v1 HTTP/1.1\r\n", b"404"), (b"GET /v10 HTTP/1.1\r\n", b"404"),
    (b"GET //v1/models HTTP/1.1\r\n", b"404"), (b"GET /health%2f HTTP/1.1\r\n", b"404"), (b"VERYLONGMETHODNAMETHATNOBODYHAS /health HTTP/1.1\r\n", b"400"),
    (b"GET /cloisterandalongnamethatis HTTP/1.1\r\n", b"404")])
def test_a_connection_finds_its_side_however_slowly_it_speaks(served, start, status):
    for pause in (0, 0.01):
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as wire:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in start if pause else [start]:
                wire.send(bytes([byte]) if pause else byte)
                time.sleep(pause)
            wire.send(f"Host: localhost:{served.port}\r\nConnection: close\r\n\r\n".encode())
            assert wire.recv(12)[9:] == status, (start, pause)


def test_half_a_word_and_a_goodbye_cost_nothing(served):
    """A connection that ends in its first word is given up at once, and the thread that looks at it sleeps."""
    pid = served.server.pid

    def work():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    wires = []
    for text in (b"G", b"GET /v", b"", b"\0\0\0"):
        wire = socket.create_connection(("127.0.0.1", served.port))
        wire.send(text)
        wire.shutdown(socket.SHUT_WR)
        wires.append(wire)
    kept = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(4)]
    for wire in kept:
        wire.send(b"GET /")
    time.sleep(0.3)
    before = work()
    time.sleep(2)
    assert work() - before < 20, "the thread that looks at connections does not sleep"
    for wire in wires:
        wire.settimeout(5)
        while wire.recv(4096):
            pass
    for wire in wires + kept:
        wire.close()


def test_a_crowd_that_says_nothing_keeps_nobody_out(served):
    """Pass: with 300 silent connections, others are served within a few seconds."""
    crowd = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(300)]
    until(lambda: answers(served), "others are not served", 10)
    for wire in crowd:
        wire.close()


def test_answers_at_once_reach_their_programs(served):
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(ask(served))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.text for reply in replies if reply.status_code != 200] == [] and len(replies) == 12
