"""Classes 4 and 5: paths in the place of names, and names of what belongs to somebody else."""

import json
import os
import re
import secrets
import shutil
import signal
import statistics
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

import raw
from attack_fixtures import house, owner, program, started  # noqa: F401 (fixtures are found by name)
from channel import NOTHING, Channel, Refused
from processes import family
import conftest

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

ACTIONS = (Path(__file__).resolve().parents[3] / "docs/formats/actions.md").read_text()
DOCUMENTED = {name: who for name, who in re.findall(r"^\| `([a-z.]+)` \|[^|]*\| (owner|key) \|", ACTIONS, re.M)}

# What a caller may say for each action: well-formed, so that only the name decides.
REQUESTS = {
    "conversations.create": {"offRecord": True}, "conversations.change": {"title": "x"}, "conversations.search": {"text": "x"}, "conversations.send": {"text": "x"},
    "conversations.import": {"title": "x", "turns": []}, "drafts.keep": {"text": "x"}, "keys.create": {"label": "x"}, "passphrase.change": {"current": "x", "new": "x" * 30},
    "recovery.renew": {"current": "x"}, "rekey": {"current": "x"}, "complete": {"prompt": "x", "maxTokens": 1}, "tutorial.chat": {"message": "x", "session": "x"},
    "tutorial.history": {"session": "x"},
}
NAMED = ["conversations.read", "conversations.change", "conversations.delete", "conversations.send", "conversations.continue", "conversations.stop", "drafts.keep", "sessions.close", "keys.revoke"]

TRAVERSALS = [
    "../outside", "..%2foutside", "%2e%2e/outside", "%2e%2e%2foutside", "..%252foutside", "..%c0%afoutside", "..%5coutside", "..\\outside", "%00", "outside%00.gguf", "/OUTSIDE", "//OUTSIDE",
    "%2fOUTSIDE", "file:OUTSIDE", "a" * 300, "a" * 3_000, "é", "e\u0301", "\u202eguffg.edistuo", "CON", "NUL.gguf", "~", "~root", "$HOME", "*", ".", "..", "-", "--help", "|id", ";id", "`id`", "archive.sqlite",
    "node.key", "models/models.json", "snapshot-x", "' or 1=1 --", "%27%20or%201%3D1--", "0" * 31, "0" * 33, "g" * 32, "0" * 32 + "%00", "０" * 32,
]


def answer(channel, action, content, target):
    """What comes back, as bytes: the pieces, or the refusal with its status."""
    try:
        return json.dumps(channel.pieces(action, content, target), sort_keys=True)
    except Refused as refused:
        return json.dumps([refused.status, refused.code, refused.message])


def test_every_documented_action_is_attacked():
    """The control: the table of actions was read, and the lists here name no other action."""
    assert len(DOCUMENTED) >= 29 and DOCUMENTED["complete"] == "key" and DOCUMENTED["lock"] == "owner"
    assert set(REQUESTS) | set(NAMED) <= set(DOCUMENTED)


@pytest.fixture(scope="module")
def parties(house):
    """The owner and two programs, each with a conversation, a label and a session of its own."""
    house.second = house.key("second")
    people = {"owner": owner(house), "first": program(house), "second": program(house, house.second)}
    ids = {"owner's conversation": people["owner"].ask("conversations.create", {"offRecord": False})["id"],
           "owner's unrecorded": people["owner"].ask("conversations.create", {"offRecord": True})["id"]}
    for name, token in (("first", house.token), ("second", house.second)):
        reply = requests.post(house.url + "/chat", json={"message": "hello", "session_id": f"label of {name}"}, headers={"Authorization": f"Bearer {token}"})
        assert reply.status_code == 200
    listed = people["owner"].ask("conversations")["conversations"]
    for name in ("first", "second"):
        ids[f"{name}'s conversation"] = next(c["id"] for c in listed if c["title"] == f"label of {name}")
    ids["a key"] = people["owner"].ask("keys")["keys"][0]["id"]
    ids["a session"] = people["owner"].ask("sessions")["sessions"][0]["id"]
    ids["an account"] = people["owner"].opened["account"]
    return people, ids


@pytest.mark.parametrize("who", ["first", "second"])
def test_a_program_gets_nothing_by_anybodys_name(parties, who):
    """Class 5. Pass: for every action and every name, foreign, own or invented, the same bytes; owner's actions are denied; no more conversations than before."""
    people, ids = parties
    for action, allowed in DOCUMENTED.items():
        if action == "close":
            continue
        wanted = answer(people[who], action, REQUESTS.get(action, {}), secrets.token_hex(16)) if allowed == "owner" else None
        if wanted is not None:
            assert '"code": "denied"' in wanted, action
        for name, target in ids.items():
            if allowed == "owner":
                assert answer(people[who], action, REQUESTS.get(action, {}), target) == wanted, (action, name)
    assert len(people["owner"].ask("conversations")["conversations"]) == 4


def test_a_label_of_another_program_is_like_one_that_nobody_has(house, parties):
    """Pass: byte-identical, through the channel and over HTTP, but for the date and the name that was asked for."""
    people, _ = parties
    assert "hello" in answer(people["first"], "tutorial.history", {"session": "label of first"}, NOTHING), "the control"
    nobody = answer(people["first"], "tutorial.history", {"session": "label of nobody"}, NOTHING)
    for label in ("label of second", "LABEL OF FIRST", "label of first ", ""):
        assert answer(people["first"], "tutorial.history", {"session": label}, NOTHING) == nobody, label
    plain = lambda label: re.sub(rb"Date: [^\r]*", b"", raw.exchange(
        house.port, raw.request(house.port, f"/history/{quote(label)}", more=f"Authorization: Bearer {house.token}\r\n".encode()))[2])
    assert plain("label of second") == plain("label of nobodyx"[:15]) and b"404" in plain("label of second")[:20]


def test_a_name_of_the_wrong_kind_is_like_one_that_nobody_has(parties):
    """Pass: a key's, session's or account's name for a conversation, and so on, is answered as an invented one is."""
    people, ids = parties
    own = {"keys.revoke": "a key", "sessions.close": "a session"}
    for action in NAMED:
        unknown = answer(people["owner"], action, REQUESTS.get(action, {}), secrets.token_hex(16))
        for name, target in ids.items():
            if name != own.get(action) and (action in own or "conversation" not in name and "unrecorded" not in name):
                assert answer(people["owner"], action, REQUESTS.get(action, {}), target) == unknown, (action, name)


def test_a_request_cannot_be_sent_over_anothers_route(parties):
    """Pass: a channel's request under another channel's cookie, or for another object, is refused in the clear, and opens nothing."""
    people, ids = parties
    thief, owner_channel = people["first"], people["owner"]
    for route, action, target, other in ((owner_channel.route, "conversations.read", ids["owner's conversation"], None), (thief.route, "models", NOTHING, ids["owner's conversation"])):
        body, _ = thief.sealed(action, {}, target)
        place = f"/cloister/v1/cell/{action}" + (f"/{other or target}" if (other or target) != NOTHING else "")
        reply = requests.post(f"http://localhost:{thief.port}{place}", data=body, cookies={"cloister-route": route})
        assert reply.status_code == 403 and "denied" in reply.text


def test_a_foreign_name_takes_no_other_time(parties):
    """A smoke test of timing, not a proof: asked in turns, the medians of a foreign and an invented label differ by less than 5 ms."""
    people, _ = parties
    times = {"label of second": [], "label of nobody": []}
    for _ in range(40):
        for label, taken in times.items():
            start = time.perf_counter()
            answer(people["first"], "tutorial.history", {"session": label}, NOTHING)
            taken.append(time.perf_counter() - start)
    first, second = (statistics.median(taken) for taken in times.values())
    assert abs(first - second) < 0.005, times


def traversals(home):
    """Every hostile name in every place that takes one; what was answered."""
    outside = str(home.root / "outside")
    names = [name.replace("OUTSIDE", outside) for name in TRAVERSALS]
    # As they are on the wire: a client library would tidy them up.
    wire = lambda path, method="GET", more=b"", body=b"": raw.exchange(home.port, raw.request(home.port, path, method, more=more, body=body), 5)[0]
    bearer = f"Authorization: Bearer {home.token}\r\n".encode()
    channel, codes = owner(home), []
    cookie = f"Cookie: cloister-route={channel.route}\r\n".encode()
    for name in names:
        line = quote(name, safe="/%\\|;`*~$-.'")
        for prefix in ("/", "/history/", "/v1/models/", "/cloister/v1/"):
            codes += wire(prefix + line, more=bearer)
        for path in (f"/cloister/v1/cell/{line}", f"/cloister/v1/cell/conversations.read/{line}", f"/cloister/v1/cell/{line}/{'0' * 32}"):
            codes += wire(path, "POST", cookie, b"x" * 100)
        codes += wire("/cloister/v1/cell/models", "POST", f"Cookie: cloister-route={quote(name)}\r\n".encode(), b"x" * 100)
        body = {"model": name, "messages": [{"role": "user", "content": "x"}]}
        codes.append(requests.post(home.url + "/v1/chat/completions", json=body, headers=home.headers).status_code)
    for name in names[:20]:
        conversation = channel.ask("conversations.create", {"offRecord": True})["id"]
        for action, content, target in (("conversations.send", {"text": "x", "model": name}, conversation), ("models.load", {"model": name}, NOTHING), ("settings", {"model": name}, NOTHING)):
            answer(channel, action, content, target)
        answer(channel, "settings", {"model": ""}, NOTHING)
    return codes


@pytest.fixture
def traced():
    """A server whose file accesses are written down from its first moment, and a file outside that hostile names lead to."""
    home = conftest.Home()
    home.trace = home.root / "trace"
    for name in ("outside", "outside.gguf"):
        (home.root / name).write_text("GGUF outside")
    home.init()
    home.token = home.key()
    home.headers = {"Authorization": f"Bearer {home.token}"}
    script = home.root / "server"
    script.write_text(f'#!/bin/sh\nexec strace -f -qq -y -s 4096 -e trace=%file,openat2 -o {home.trace} "{conftest.BINARY}" "$@"\n')
    script.chmod(0o755)
    binary, conftest.BINARY = conftest.BINARY, str(script)
    try:
        home.server = home.serve()
    finally:
        conftest.BINARY = binary
    yield home
    for pid in family(home.server.pid)[1:]:
        os.kill(pid, signal.SIGKILL)
    home.close()


CHANGES = re.compile(r"\b(?:unlink|unlinkat|rename|renameat|renameat2|mkdir|mkdirat|rmdir|link|linkat|symlink|symlinkat|chmod|fchmodat|chown|fchownat|truncate|creat|mknod|mknodat)\(")
WRITES = re.compile(r"\bopen(?:at|at2)?\(.*O_(?:WRONLY|RDWR|CREAT|TRUNC)")


@pytest.mark.skipif(shutil.which("strace") is None, reason="not shown: which files are opened needs strace")
def test_no_name_leads_out_of_the_data_directory(traced):
    """Class 4. Pass: no 2xx for a hostile path, and the kernel saw no file outside opened for writing, made, removed or renamed, nor the one that the names lead to touched."""
    before = len(traced.trace.read_text().splitlines())
    codes = traversals(traced)
    assert len(codes) > 300 and set(codes) <= {400, 401, 403, 404, 431}, set(codes)
    lines = traced.trace.read_text().splitlines()
    assert any("outside" not in line and "archive.sqlite" in line for line in lines[:before]), "the control: the trace shows what is opened"
    after = lines[before:]
    assert any(".cache" in line or ".ollama" in line for line in after), "the control: the trace goes on"
    named = [line for line in after if str(traced.root / "outside") in line or "/outside" in line]
    assert named == []
    # What a locked process tries by itself, and the kernel refuses, is no request's doing.
    usual = (str(traced.data), "/dev/null", "/cloister-self-test-")
    changed = [line for line in after if (CHANGES.search(line) or WRITES.search(line)) and not any(name in line for name in usual)]
    assert changed == [], changed[:5]


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../outside", "..", ".", "", "a\0b", "a" * 300, "\u202ex", "é", ".hidden", "-rf", "a b", "x\n"])
def test_no_models_name_leads_out_of_the_store(home, name):
    """Class 4, on the command line. Pass: refused in a sentence, nothing made or removed outside of the store."""
    (home.root / "outside").write_text("mine")
    home.run("models", "list", "--data", home.data)
    before = sorted(str(path) for path in home.root.rglob("*"))
    guide = Path(__file__).resolve().parents[3] / "Sources/CGuide/guide.gguf"
    for arguments in (["add", guide, f"--name={name}"], ["remove", "--", name], ["default", "--", name]):
        try:
            refused = home.run("models", *arguments[:1], "--data", home.data, *arguments[1:], check=False)
        except ValueError:
            continue  # A NUL never reaches a program.
        assert refused.returncode in (1, 64) and refused.stderr, arguments
    assert [path for path in sorted(str(p) for p in home.root.rglob("*")) if path not in before] in ([], [str(home.data / "models")])
