"""A gateway that is malicious: it swaps keys, drops, repeats, reorders, changes and forges; the pinned client notices each time.

The client is the real one, `cloister chat`, over a socket that the attacker holds; what it records is asked again, with the cookie.
"""

import os
import re

import pytest

import conftest
from attack_fixtures import house  # noqa: F401 (fixtures are found by name)
from channel import Channel, Refused
from middle import Local, Middle, events, pieces
from sweeping import canary

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")


@pytest.fixture(scope="module")
def held(house):  # noqa: F811
    made = Middle(house.data)
    made.whole = say(house).stdout
    assert made.whole.startswith("Cloister is a private AI"), "the client has seen this node, and pins it"
    yield made
    made.close()


@pytest.fixture
def middle(held):
    """Honest, until a test says otherwise, and without a memory of other tests."""
    held.seen, held.change = [], lambda kind, answer: answer
    return held


@pytest.fixture
def served(house):  # noqa: F811
    return house


def say(home, text="What is Cloister?"):
    return home.run("chat", text, "--data", home.data, "--owner", "Ada", "--passphrase-file", home.passphrase, check=False)


def stored(home):
    """What the owner said, as the owner reads it."""
    channel = Channel(home.port, {"passphrase": {"name": "Ada", "passphrase": conftest.PASSPHRASE}})
    turns = []
    for conversation in channel.ask("conversations")["conversations"]:
        turns += [turn["text"] for turn in channel.ask("conversations.read", {}, conversation["id"])["turns"] if turn["role"] == "user"]
    return turns


def test_an_honest_middle_changes_nothing(served, middle):
    """The control: through the same socket, untouched, the answer arrives; and nothing that was said is in what passed."""
    secret = canary()
    said = say(served, "What is Cloister?")
    assert said.returncode == 0 and said.stdout.startswith("Cloister is a private AI"), said.stderr
    assert say(served, secret).returncode == 0
    passed = b"".join(part for entry in middle.seen for part in (entry[2].encode(), repr(entry[3]).encode(), entry[4], entry[6], *pieces(entry[6])))
    assert {"node", "open", "conversations.create", "conversations.send"} <= {entry[0] for entry in middle.seen}
    for phrase in (secret, conftest.PASSPHRASE, "Cloister is a private"):
        assert phrase.encode() not in passed


def test_another_nodes_keys_get_no_passphrase(served, middle, tmp_path):
    """It swaps the keys for those of a node of its own: the client has pinned this one, and sends nothing."""
    other = conftest.Home()
    try:
        other.init()
        other.serve()
        connection = Local(other.data / "cloister.sock")
        connection.request("GET", "/cloister/v1/node")
        theirs = connection.getresponse().read()
        before = len(middle.seen)
        middle.change = lambda kind, answer: theirs if kind == "node" else answer
        refused = say(served)
        assert refused.returncode == 1 and "not the one that was pinned" in refused.stderr and not refused.stdout
        assert {entry[0] for entry in middle.seen[before:]} == {"node"}, "something was sent"
    finally:
        other.close()


@pytest.mark.parametrize("place", range(0, 222, 31))
def test_a_changed_offer_is_refused(served, middle, place):
    """Any changed byte of the keys' record or of the challenge: no opening succeeds."""
    def change(kind, answer):
        return answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1:] if kind == "node" and place < len(answer) else answer

    before = stored(served)
    middle.change = change
    refused = say(served)
    assert refused.returncode == 1 and not refused.stdout and refused.stderr.count("\n") == 1
    assert len(next(entry[6] for entry in middle.seen if entry[0] == "node")) == 222
    assert stored(served) == before


def without(index):
    return lambda parts: parts[:index] + parts[index:][1:]


CHANGES = {
    "the first piece dropped": without(0),
    "the second piece dropped": without(1),
    "the last piece dropped": lambda parts: parts[:-1],
    "all pieces dropped": lambda parts: [],
    "a piece twice": lambda parts: parts[:2] + parts[1:],
    "the last piece twice": lambda parts: parts + parts[-1:],
    "two pieces in the other order": lambda parts: [parts[1], parts[0], *parts[2:]],
    "the last piece first": lambda parts: parts[-1:] + parts[:-1],
    "one bit changed": lambda parts: [parts[0], bytes([parts[1][0] ^ 1]) + parts[1][1:], *parts[2:]],
    "the tag cut": lambda parts: [*parts[:-1], parts[-1][:-1]],
    "a piece of its own": lambda parts: [parts[0], bytes(len(parts[1])), *parts[2:]],
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_reply_is_an_error_and_nothing_after_it_is_shown(served, middle, name):
    """Each way of tampering with an answer's pieces: the client says so, with exit code 1; what it showed before was authentic."""
    whole, changed = middle.whole, []

    def change(kind, answer):
        if kind != "conversations.send":
            return answer
        parts = pieces(answer)
        assert len(parts) > 3, "the answer has pieces"
        changed.append(True)
        return events(CHANGES[name](parts))

    middle.change = change
    said = say(served)
    assert changed
    if name == "the last piece twice":
        # What follows the authenticated end is not read.
        assert said.returncode == 0 and said.stdout == whole
        return
    assert said.returncode == 1 and said.stderr.count("\n") == 1, (said.returncode, said.stderr)
    assert whole.strip().startswith(re.sub(r"\s+$", "", said.stdout)), said.stdout


def test_the_answer_to_another_request_is_refused(served, middle):
    """It keeps an answer and gives it to a later request of the same words."""
    kept = []

    def change(kind, answer):
        if kind == "conversations.send":
            kept.append(answer)
            return kept[0]
        return answer

    middle.change = change
    assert say(served).returncode == 0
    said = say(served)
    assert said.returncode == 1 and not said.stdout.strip(), said.stdout


def test_what_was_recorded_obtains_nothing(served, middle):
    """A whole session, asked again byte for byte with its cookie, while it is open and after: nothing opens, nothing is stored twice."""
    words = canary()
    assert say(served, words).returncode == 0
    kinds = [entry[0] for entry in middle.seen if entry[0] not in ("node", "snapshot")]
    assert {"open", "conversations.create", "conversations.send"} <= set(kinds)
    for kind in dict.fromkeys(kinds):
        status, _, answer = middle.again(kind)
        assert status in (400, 401, 403, 409) and b"error" in answer and not pieces(answer), (kind, status)
    assert stored(served).count(words) == 1


def test_a_session_that_goes_on_takes_no_request_twice_and_none_that_is_forged(served, middle):
    """With an open channel and its cookie: a replay, another object, another action, a changed body, one's own body."""
    channel, words = Channel(served.port, {"passphrase": {"name": "Ada", "passphrase": conftest.PASSPHRASE}}), canary()
    conversation = channel.ask("conversations.create", {"offRecord": False})["id"]
    body, _ = channel.sealed("conversations.send", {"text": words}, conversation)
    cookie = {"Cookie": f"cloister-route={channel.route}", "Host": "cloister"}
    path = f"/cloister/v1/cell/conversations.send/{conversation}"
    forged = [
        ("/cloister/v1/cell/conversations.delete/" + conversation, body), ("/cloister/v1/cell/conversations.send/" + "1" * 32, body),
        ("/cloister/v1/cell/conversations.send", body), (path, body[:-1] + bytes([body[-1] ^ 1])), (path, body[:-1]), (path, os.urandom(len(body))), (path, b""),
        (path, body[:9] + (2**63).to_bytes(8, "big") + body[17:]),
    ]
    for place, content in forged:
        status, _, answer = middle.ask("POST", place, cookie, content)
        assert status in (400, 401, 403) and not pieces(answer), place
    status, _, answer = middle.ask("POST", path, cookie, body)
    assert status == 200 and pieces(answer), "the control: the request itself is right"
    for _ in range(3):
        status, _, answer = middle.ask("POST", path, cookie, body)
        assert status in (400, 401, 403) and not pieces(answer)
    assert stored(served).count(words) == 1


def test_a_route_without_the_channels_key_obtains_nothing(served, middle):
    """Who has the cookie alone can ask for nothing, in any action."""
    channel = Channel(served.port, {"passphrase": {"name": "Ada", "passphrase": conftest.PASSPHRASE}})
    cookie = {"Cookie": f"cloister-route={channel.route}", "Host": "cloister"}
    stranger = Channel(served.port, {"key": {"token": served.token}})
    for action in ("conversations", "keys", "evidence", "lock", "stored", "settings", "models"):
        content, _ = stranger.sealed(action, {})
        status, _, answer = middle.ask("POST", f"/cloister/v1/cell/{action}", cookie, content)
        assert status in (400, 401, 403) and not pieces(answer), action
    try:
        channel.ask("conversations")
    except Refused as refusal:
        raise AssertionError("a forged request ended the person's session") from refusal
