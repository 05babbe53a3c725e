"""Class 3, streams: an answer that is being written ends at once when its session is locked, closed or revoked, and one whose reader left costs nothing."""

import http.client
import json
import os
import threading
import time

import pytest
import requests

from attack_fixtures import owner, program, slow_house  # noqa: F401 (fixtures are found by name)
from channel import Refused, within
from processes import family

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")


class Listener:
    """Reads a stream to its end, and remembers when each piece came."""

    def __init__(self, pieces):
        self.times, self.last, self.ended = [], None, None
        self.thread = threading.Thread(target=self.read, args=(pieces,), daemon=True)
        self.thread.start()
        assert within(20, lambda: len(self.times) > 4 or self.ended), "the control: the answer is being written"
        assert not self.ended, f"the control: it does not end by itself: {self.last}"

    def read(self, pieces):
        try:
            for self.last in pieces:
                self.times.append(time.monotonic())
        except Exception as error:
            self.last = error
        self.ended = time.monotonic()

    def ends_within(self, seconds, since):
        self.thread.join(seconds + 2)
        return self.ended is not None and self.ended - since <= seconds


def listening(channel):
    conversation = channel.ask("conversations.create", {"offRecord": False})["id"]
    return Listener(iter(channel.start("conversations.send", {"text": "Tell me everything"}, conversation)))


def completing(home, token):
    def pieces():
        body = {"model": "default", "stream": True, "messages": [{"role": "user", "content": "Tell me everything"}]}
        with requests.post(home.url + "/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {token}"}, stream=True) as reply:
            yield from reply.iter_lines()
    return Listener(pieces())


def test_a_lock_ends_every_stream_of_the_person(slow_house):
    """Pass: within a second of the lock no piece comes any more, in the session that locked and in another one, and both are locked."""
    one, two = owner(slow_house), owner(slow_house)
    streams = [listening(one), listening(two)]
    since = time.monotonic()
    one.ask("lock")
    for stream in streams:
        assert stream.ends_within(1, since), f"a stream went on for {stream.ended and stream.ended - since} s after the lock"
    for channel in (one, two):
        with pytest.raises(Refused) as refused:
            channel.ask("conversations")
        assert refused.value.status == 401


def test_closing_a_session_ends_its_stream_and_no_other(slow_house):
    """Pass: a session that is closed from another one gets nothing more within a second; the other one's stream goes on."""
    lost, kept = owner(slow_house), owner(slow_house)
    stream, own = listening(lost), listening(kept)
    sessions = kept.ask("sessions")["sessions"]
    other = [session["id"] for session in sessions if not session["own"]]
    since = time.monotonic()
    for session in other:
        kept.ask("sessions.close", {}, session)
    assert stream.ends_within(1, since), f"the closed session was told {sum(t > since + 1 for t in stream.times)} more pieces"
    counted = len(own.times)
    assert within(10, lambda: len(own.times) > counted), "the other one was stopped too"
    kept.ask("lock")
    assert own.ends_within(1, time.monotonic())


def test_revoking_a_key_ends_its_stream(slow_house):
    """Pass: a program whose key is revoked gets nothing more within a second."""
    channel = owner(slow_house)
    key = channel.ask("keys.create", {"label": "lost"})
    stream = completing(slow_house, key["token"])
    since = time.monotonic()
    channel.ask("keys.revoke", {}, key["id"])
    assert stream.ends_within(1, since), "a revoked key goes on reading"
    assert requests.get(slow_house.url + "/v1/models", headers={"Authorization": f"Bearer {key['token']}"}).status_code == 401


def busy(home):
    """Processor time of all the server's processes, seconds."""
    total = 0
    for pid in family(home.server.pid):
        fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


@pytest.mark.parametrize("door", ["channel", "channel in chunks", "api"])
def test_a_reader_that_leaves_stops_the_work(slow_house, door):
    """Pass: two seconds after the connection is gone the server computes no more; the control: before, it did."""
    if door.startswith("channel"):
        channel = owner(slow_house)
        conversation = channel.ask("conversations.create", {"offRecord": True})["id"]
        reply = channel.start("conversations.send", {"text": "Tell me everything"}, conversation, chunked="chunks" in door)
        next(iter(reply))
        response = reply.response
    else:
        connection = http.client.HTTPConnection("127.0.0.1", slow_house.port)
        body = json.dumps({"model": "default", "stream": True, "messages": [{"role": "user", "content": "Tell me everything"}]})
        connection.request("POST", "/v1/chat/completions", body, slow_house.headers)
        response = connection.getresponse()
        response.readline()
    start = busy(slow_house)
    time.sleep(0.5)
    assert busy(slow_house) - start > 0.1, "the control"
    response.fp.raw._sock.close()
    response.close()

    def rests():
        start = busy(slow_house)
        time.sleep(0.4)
        return busy(slow_house) - start < 0.1
    assert within(2.5, rests), "it goes on computing for nobody"
