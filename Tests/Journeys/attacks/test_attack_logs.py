"""Class 12, log injection: what people and files say appears in no log, and at a terminal as harmless single lines."""

import json
import os
import re
import shutil
import socket
from pathlib import Path
from urllib.parse import quote

import gguf
import pytest
import requests

import raw
from attack_fixtures import owner, started
from channel import Channel, Refused
from sweeping import canary

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

MARK = canary(1)
HOSTILE = [MARK + tail for tail in ("\r\nERROR forged", "\nERROR forged", "\u2028forged", "\u2029forged", "\x85forged", "\x1b[2Jforged", "\x1b]0;forged\x07", "\x07", "\x08\x08", "\u202egnp", "\u2066x\u2069", "\x00forged",
                                    "\x9b31m", "%n%s%x", "${jndi:x}", '" \\ ]', "|=\\", "\u200e\u200f", "\ufeff", "x" * 60_000)]
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")


def test_nothing_that_callers_say_is_logged(home):
    """Names, labels, models, fields, user agents, addresses, broken requests, and errors inside. Pass: standard error stays empty, and standard output says nothing after the link."""
    home = started(home)
    channel = owner(home)
    for text in HOSTILE:
        one_line = re.sub(r"[\r\n\0]", " ", text)[:7_000]
        head = {"User-Agent": one_line.encode(), "X-Request-Id": one_line.encode(), "X-Forwarded-For": one_line.encode(), "Referer": one_line.encode()} | home.headers
        requests.get(home.url + "/none/" + quote(text[:2_000]), headers=head)
        requests.post(home.url + "/chat", json={"message": text[:200], "session_id": text[:300]}, headers=head)
        requests.post(home.url + "/v1/chat/completions", json={"model": text, "messages": [{"role": text, "content": text}]}, headers=head)
        requests.post(home.url + "/v1/chat/completions", data=text.encode(), headers=head)
        requests.get(home.url + "/v1/models", headers={"Authorization": f"Bearer {one_line}".encode()})
        raw.exchange(home.port, b"GET /" + text.encode()[:5_000] + b" HTTP/1.1\r\nX: " + text.encode()[:5_000] + b"\r\n\r\n", 1)
        for action, content in (("keys.create", {"label": text[:80]}), ("settings", {"model": text}), ("conversations.search", {"text": text[:200]}), ("models.load", {"model": text}), (re.sub("[^a-z]", "x", text[:60]), {"x": text})):
            try:
                channel.ask(action, content)
            except Refused as refused:
                # What model was not found is said, sealed, to who asked for it.
                assert MARK not in refused.message or action == "models.load"
    try:
        Channel(home.port, {"passphrase": {"name": HOSTILE[0], "passphrase": HOSTILE[1]}})
    except Refused:
        pass
    (home.data / "archive/archive.sqlite-wal").write_bytes(b"broken")
    requests.post(home.url + "/chat", json={"message": "x", "session_id": MARK}, headers=home.headers)
    home.server.terminate()
    rest = home.server.stdout.read()
    home.server.wait(20)
    assert (home.root / "server.log").read_text() == ""
    assert MARK not in rest and not CONTROL.search(rest), rest


def test_what_the_server_logs_is_one_line(home):
    """The control: an error of the start does reach the log that was empty above, as one line without control characters."""
    home.init()
    with socket.socket() as other:
        other.bind(("127.0.0.1", home.port))
        other.listen()
        with pytest.raises(AssertionError):
            home.serve()
    log = (home.root / "server.log").read_text()
    lines = log.splitlines()
    assert lines[-1] == "cloister: the port is in use; choose another with --port" and log.endswith("\n") and not CONTROL.search(log)
    assert all(re.match(r"[\dT:+-]+ error cloister: |cloister: ", line) for line in lines), log


def test_a_hostile_word_stays_one_line_at_the_terminal(home):
    """Pass: as owner's name, label, model or path it is neither obeyed by a terminal nor a second line; the control: it is shown at all."""
    text = "".join(text for text in HOSTILE if "\0" not in text and len(text) < 200)
    owner = ["--data", home.data, "--owner", text[:60], "--passphrase-file", home.passphrase]
    done = [home.run("init", *owner), home.run("keys", "create", "--label", text[:80], *owner), home.run("keys", "list", *owner)]
    assert done[2].stdout.count("\n") == 1 and MARK in done[2].stdout, done[2].stdout
    refused = [home.run("chat", "x", "--model", text, *owner, check=False), home.run("serve", "--model", text, "--data", home.data, check=False),
               home.run("models", "verify", "--data", home.data, "--", text, check=False), home.run("restore", home.root / text.replace("/", " ")[:100], "--data", home.root / "new", check=False)]
    for result in [*done, *refused]:
        assert not CONTROL.search(result.stdout + result.stderr), result
    assert [result for result in refused if result.returncode != 1 or result.stderr.count("\n") != 1] == []


def test_a_hostile_model_cannot_command_a_terminal_nor_forge_a_line(home):
    """Names, architecture, licence and chat format come from strangers' files. Pass: two lines more for each model at most, no control character; JSON stays JSON."""
    store = home.root / ".cache/llama.cpp"
    store.mkdir(parents=True)
    guide = Path(__file__).resolve().parents[3] / "Sources/CGuide/guide.gguf"
    plain = home.run("models", "list", "--data", home.data).stdout.count("\n")
    for number, text in enumerate(HOSTILE):
        writer = gguf.GGUFWriter(store / f"m{number}.gguf", text.replace("\0", " ")[:500])
        for key in ("general.license", "general.name", "general.basename", "tokenizer.chat_template", "tokenizer.ggml.pre", "tokenizer.ggml.model"):
            writer.add_string(key, text[:2_000])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        if "\0" not in text and "/" not in text and len(text) < 200:
            shutil.copy(guide, store / f"{text}.gguf")
    listed = home.run("models", "list", "--data", home.data)
    assert listed.stdout.count("    ") > 30 and MARK in listed.stdout, "the control: they are listed"
    assert not CONTROL.search(listed.stdout + listed.stderr)
    assert [line for line in listed.stdout.splitlines() if not line.startswith(("*", "  ", "    "))] == []
    assert not re.search(r"^(ERROR )?forged", listed.stdout, re.M)
    models = json.loads(home.run("models", "list", "--json", "--data", home.data).stdout)["models"]
    assert len(models) > 20 and listed.stdout.count("\n") == plain + 3 * (len(models) - 1)
    for number in range(0, len(HOSTILE), 3):
        refused = home.run("serve", "--data", home.data, "--model", store / f"m{number}.gguf", check=False)
        assert refused.returncode == 1 and refused.stderr.count("\n") == 1 and not CONTROL.search(refused.stderr), refused.stderr
