"""Class 7, slow and large requests: whoever asks for too much is cut off; others are served meanwhile, and memory stays bounded."""

import gzip
import json
import os
import threading
import time
import zlib

import pytest
import requests

import raw
from attack_fixtures import house, owner  # noqa: F401 (fixtures are found by name)
from processes import is_alive, resident

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

MIB = 1 << 20


def others_are_served(home, seconds=2):
    """Somebody else's request is answered in time, on a connection of its own."""
    start = time.monotonic()
    return requests.get(home.url + "/health", timeout=seconds).status_code == 200 and time.monotonic() - start < seconds


@pytest.mark.parametrize("name,head,codes", [
    ("10,000 fields", b"".join(b"X-%d: a\r\n" % i for i in range(10_000)), {400, 431}), ("101 fields", b"".join(b"X-%d: a\r\n" % i for i in range(101)), {400, 431}),
    ("a field of 64 KiB", b"X: " + b"a" * 65_536 + b"\r\n", {400, 431}), ("a name of 64 KiB", b"a" * 65_536 + b": x\r\n", {400, 431}),
    ("cookies of 64 KiB", b"".join(b"Cookie: a%d=%s\r\n" % (i, b"b" * 1_000) for i in range(64)), {400, 431}),
])
def test_a_head_that_is_too_large_is_refused(house, name, head, codes):
    """Pass: 400 or 431, the connection closed, others served."""
    got, closed, _ = raw.exchange(house.port, raw.request(house.port, more=head, close=False))
    assert len(got) == 1 and got[0] in codes and closed
    assert others_are_served(house)


def test_a_target_that_is_too_long_is_refused(house):
    """Pass: never a 200 for a target of 1 MiB."""
    got, _, _ = raw.exchange(house.port, raw.request(house.port, "/health?" + "a" * MIB))
    assert 200 not in got and others_are_served(house)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_above_the_limit_is_refused(house, chunked):
    """Pass: the limit is taken, one byte more is refused with 413 or 400 (docs/formats/channel.md §5), by every route that takes a body."""
    cookie = {"Cookie": f"cloister-route={owner(house).route}"}
    body = lambda count: iter([b" " * count]) if chunked else b" " * count
    for path, limit, headers in (("/cloister/v1/open", 8_192, {}), ("/cloister/v1/cell/models", MIB, cookie), ("/chat", 960 * 1_024, house.headers)):
        assert requests.post(house.url + path, data=body(limit), headers=headers).status_code in (400, 401, 403)
        refused = requests.post(house.url + path, data=body(limit + 1), headers=headers)
        assert refused.status_code == 413, (path, refused.text)
    stranger = {"Cookie": "cloister-route=" + "0" * 32}
    refused = requests.post(house.url + "/cloister/v1/cell/models", data=b" " * (MIB + 1), headers=stranger)
    assert refused.status_code == 401, "without a session it is not read at all"


def test_a_length_of_ten_gigabytes_holds_nobody_up(house):
    """Pass: what is announced is not allocated, others are served."""
    before, head = resident(house.server.pid), raw.request(house.port, "/chat", "GET", close=False)[:-2].replace(b"GET", b"POST", 1)
    wires = [raw.Wire(house.port).send(head + b"Content-Length: 10000000000\r\n\r\n" + b" " * 1_000) for _ in range(20)]
    chunked = [raw.Wire(house.port).send(head + b"Transfer-Encoding: chunked\r\n\r\n2540BE400\r\n" + b" " * 1_000) for _ in range(20)]
    assert others_are_served(house) and resident(house.server.pid) - before < 64 * MIB
    for wire in wires + chunked:
        wire.socket.close()


@pytest.mark.parametrize("coding,press", [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", lambda data: data), ("identity, gzip", gzip.compress)])
def test_a_compressed_body_is_not_unpacked(house, coding, press):
    """A bomb of 100 MiB in 100 KiB. Pass: refused as it is, memory bounded."""
    before = resident(house.server.pid)
    body = press(json.dumps({"message": " " * (100 * MIB if coding != "br" else 100)}).encode())
    reply = requests.post(house.url + "/chat", data=body[:900_000], headers=house.headers | {"Content-Encoding": coding, "Content-Type": "application/json"})
    assert reply.status_code in (400, 415) or coding == "br"
    assert resident(house.server.pid) - before < 64 * MIB


def test_slow_heads_and_idle_connections_leave_room(house):
    """100 heads that come byte by byte and 100 connections that say nothing. Pass: others are served, memory bounded."""
    before = resident(house.server.pid)
    slow, idle = [raw.Wire(house.port) for _ in range(100)], [raw.Wire(house.port).send(raw.request(house.port, close=False)) for _ in range(100)]
    for byte in raw.request(house.port)[:5]:
        for wire in slow:
            wire.send(bytes([byte]))
        assert others_are_served(house)
    assert resident(house.server.pid) - before < 64 * MIB
    for wire in slow + idle:
        wire.socket.close()
    assert others_are_served(house)


def test_more_connections_than_there_is_room_for_wait_and_are_served_after(house):
    """400 connections for the 256 places. Pass: the server lives and serves as soon as there is room again."""
    wires = [raw.Wire(house.port) for _ in range(400)]
    for wire in wires:
        wire.socket.close()
    assert others_are_served(house, 5) and is_alive(house.server)


def test_a_reader_that_does_not_read_costs_no_memory(house):
    """Class 3: requests are piled up on a connection and nothing is read. Pass: the server stops taking them before it holds what was asked for."""
    one = raw.request(house.port, "/app.js", close=False)
    size = len(raw.exchange(house.port, raw.request(house.port, "/app.js"))[2])
    before, wire, asked = resident(house.server.pid), raw.Wire(house.port, 1, receive_buffer=4_096), 0
    wire.socket.setblocking(False)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            asked += wire.socket.send(one * 1_000)
        except BlockingIOError:
            time.sleep(0.01)
    wanted = asked // len(one) * size
    assert wanted > 64 * MIB, f"the control: {wanted >> 20} MiB were asked for, too few to show anything"
    assert resident(house.server.pid) - before < 48 * MIB
    assert others_are_served(house)
    wire.socket.close()


def test_parallel_floods_do_not_starve_a_person(house):
    """Pass: while four clients send bad requests as fast as they can, the 95th percentile of a good one stays below 500 ms."""
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            raw.exchange(house.port, raw.request(house.port, host="evil.example"), 1)

    clients = [threading.Thread(target=flood) for _ in range(4)]
    for client in clients:
        client.start()
    times = []
    for _ in range(40):
        start = time.monotonic()
        assert requests.get(house.url + "/health").status_code == 200
        times.append(time.monotonic() - start)
    stop.set()
    for client in clients:
        client.join()
    assert sorted(times)[37] < 0.5, sorted(times)
