"""Floods of HTTP/2 and of silence, from elsewhere: frames by hand, over TLS."""

import contextlib
import os
import select
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from beyond import ADDRESS, NAME, beyond  # noqa: F401 (fixtures are found by name)
sys.path[:0] = [str(Path(__file__).parent / "attacks")]
import conftest  # noqa: E402
from channel import Channel, within  # noqa: E402
from processes import named, own_memory  # noqa: E402

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")


def frame(kind, flags, stream, payload=b""):
    """A frame of HTTP/2 (RFC 9113 §4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
HEADERS, RESET, SETTINGS, PING, CONTINUATION = 1, 3, 4, 6, 9


def flood(wire, pieces, seconds=15):
    """Sends until the server closes: what was sent, and whether it closed. One thread: a TLS socket is not for two."""
    sent, deadline = 0, time.monotonic() + seconds
    wire.settimeout(seconds)
    try:
        for piece in pieces:
            while wire.pending() or select.select([wire], [], [], 0)[0]:
                if not wire.recv(65536):
                    return sent, True
            wire.sendall(piece)
            sent += len(piece)
            if time.monotonic() > deadline:
                return sent, False
        while wire.recv(65536):
            pass
        return sent, True
    except TimeoutError:
        return sent, False
    except OSError:
        return sent, True


def hpack(path=b"/"):
    """A request's header block, literals without index (RFC 7541 §6.2.2)."""
    def literal(name, value):
        return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
    return literal(b":method", b"GET") + literal(b":scheme", b"https") + literal(b":path", path) + literal(b":authority", b"x")


def resets():
    for number in range(1, 200_000, 2):
        yield frame(HEADERS, 5, number, hpack()) + frame(RESET, 0, number, (8).to_bytes(4, "big"))


def continuations():
    yield frame(HEADERS, 1, 1, hpack())
    while True:
        yield frame(CONTINUATION, 0, 1, b"\0\1a" + b"\x7f\x81\x7f" + b"a" * 16_000)


def small_continuations():
    yield frame(HEADERS, 1, 1, hpack())
    while True:
        yield frame(CONTINUATION, 0, 1)


def many_streams():
    for number in range(1, 200_000, 2):
        yield frame(HEADERS, 4, number, hpack())


def repeated(*pieces):
    while True:
        yield b"".join(pieces)


@pytest.mark.parametrize("name, pieces", [
    ("rapid reset", resets()), ("continuation", continuations()), ("empty continuation", small_continuations()), ("streams", many_streams()),
    ("settings", repeated(frame(SETTINGS, 0, 0, (3).to_bytes(2, "big") + bytes(4)))), ("ping", repeated(frame(PING, 0, 0, bytes(8)))),
    ("empty data", iter([frame(HEADERS, 4, 1, hpack()), *[frame(0, 0, 1)] * 100_000])), ("a bomb of headers", iter([frame(HEADERS, 4, 1, hpack()) + frame(1, 5, 3, b"\x40\1a\x7f\xe1\x1e" + b"a" * 4_000 + b"\xbe" * 12_000)] * 2)),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_flood_ends_its_connection_and_disturbs_nobody(beyond, name, pieces):
    """Pass: the server closes the connection, answers others meanwhile, and takes less than 64 MiB for it."""
    gateway = named(beyond.server, "gateway")
    before, slowest = own_memory(gateway), [0.0]
    going = threading.Event()

    def others():
        while not going.is_set():
            start = time.monotonic()
            assert beyond.exchange()[0] == 200
            slowest[0] = max(slowest[0], time.monotonic() - start)

    watcher = threading.Thread(target=others)
    watcher.start()
    try:
        with beyond.wire("h2") as wire:
            assert wire.selected_alpn_protocol() == "h2"
            wire.sendall(PREFACE)
            sent, closed = flood(wire, pieces)
    finally:
        going.set()
        watcher.join()
    assert closed, f"{name}: the connection goes on after {sent} bytes"
    assert sent < 16 << 20 and slowest[0] < 3, (name, sent, slowest)
    assert named(beyond.server, "gateway") == gateway and own_memory(gateway) - before < 64 << 20, name


@pytest.mark.parametrize("holds_a_session", [False, True], ids=["a stranger", "a session's holder"])
def test_large_bodies_of_many_fill_no_memory(beyond, holds_a_session):
    """Pass: of a hundred bodies that are nearly there the gateway takes none from who has no session, 32 from who has one; afterwards there is room again."""
    gateway, count, large = named(beyond.server, "gateway"), 100, 1 << 20
    channel = Channel(beyond.home.port, {"passphrase": {"name": "Ada", "passphrase": conftest.PASSPHRASE}})
    route = channel.route if holds_a_session else "0" * 32
    before, wires = own_memory(gateway), []
    try:
        for _ in range(count):
            wires.append(wire := beyond.wire("http/1.1"))
            head = f"POST /cloister/v1/cell/conversations HTTP/1.1\r\nHost: {NAME}:{beyond.port}\r\nCookie: cloister-route={route}\r\nContent-Length: {large}\r\n\r\n"
            with contextlib.suppress(OSError):  # Who was refused may be cut off meanwhile.
                wire.sendall(head.encode() + bytes(large - 1))
        time.sleep(1)
        # What each connection's own buffers take is little beside a body.
        assert own_memory(gateway) - before < 128 << 20
        answers = [answered(wire) for wire in wires]
        assert answers.count(b"401" if not holds_a_session else b"503") >= count - 32, answers
        assert channel.ask("conversations") is not None, "who comes over loopback is served"
    finally:
        for wire in wires:
            wire.close()
    assert named(beyond.server, "gateway") == gateway
    more = f"Cookie: cloister-route={channel.route}\r\n"
    assert within(5, lambda: beyond.exchange("/cloister/v1/cell/conversations", "POST", more=more, body=bytes(large - 1))[0] not in (401, 503))


def answered(wire):
    """The status of what was answered already; none if nothing was."""
    wire.settimeout(0.2)
    try:
        return wire.recv(4096)[9:12]
    except OSError:
        return None


def test_silent_handshakes_keep_nobody_out_for_long(beyond):
    """Pass: with every place taken by connections that say nothing, others are served after the handshake's time; loopback at once."""
    crowd = [socket.create_connection((ADDRESS, beyond.port)) for _ in range(140)]
    start = time.monotonic()
    assert requests.get(beyond.home.url, timeout=2).status_code == 200
    with socket.create_connection((ADDRESS, beyond.port), timeout=25) as plain, beyond.context("http/1.1").wrap_socket(plain, server_hostname=NAME) as wire:
        wire.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}:{beyond.port}\r\nConnection: close\r\n\r\n".encode())
        assert b"200" in wire.recv(4096)
    assert time.monotonic() - start < 22
    for wire in crowd:
        wire.close()
