"""Class 15, parser bombs through the doors that people and programs use: JSON bodies, sealed requests, and model files."""

import json
import os
import resource
import struct
import subprocess
import time
from pathlib import Path

import pytest
import requests

import conftest
from attack_fixtures import house, owner, program  # noqa: F401 (fixtures are found by name)
from channel import Refused
from processes import is_alive, resident

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

GUIDE = (Path(__file__).resolve().parents[3] / "Sources/CGuide/guide.gguf").read_bytes()
MIB = 1 << 20
LIMIT = 950_000
MESSAGE = '{"role":"user","content":"x"}'
deep = lambda open, close, count: open * count + close * count

JSON = {
    "a million elements": '{"messages":[' + "1," * 999_999 + "1]}", "ten megabytes of text": '{"messages":[{"role":"user","content":"' + "x" * 10_000_000 + '"}]}',
    "elements up to the limit": '{"messages":[' + "1," * (LIMIT // 2) + "1]}", "empty messages": '{"messages":[' + "{}," * (LIMIT // 3) + "{}]}",
    "messages up to the limit": '{"messages":[' + (MESSAGE + ",") * (LIMIT // 30 - 1) + MESSAGE + "]}", "text up to the limit": '{"messages":[{"role":"user","content":"' + "x " * (LIMIT // 2) + '"}]}',
    "deep arrays": deep("[", "]", LIMIT // 2), "deep objects": deep('{"a":', "}", LIMIT // 8), "deep inside": '{"messages":' + deep("[", "]", 400_000) + "}", "deep in what is ignored": '{"x":' + deep("[", "]", 400_000) + ',"messages":[]}',
    "deep without an end": '{"messages":' + "[" * LIMIT, "many keys": "{" + ",".join(f'"k{i}":1' for i in range(60_000)) + "}", "the same key": "{" + '"messages":[],' * 60_000 + '"messages":[]}',
    "a huge number": '{"messages":[],"seed":' + "9" * LIMIT + "}", "a huge exponent": '{"messages":[' + MESSAGE + '],"temperature":1e' + "9" * 1_000 + "}", "escapes": '{"messages":[{"role":"user","content":"' + "\\u0000" * 150_000 + '"}]}',
    "half a pair": '{"messages":[{"role":"user","content":"' + "\\ud800" * 150_000 + '"}]}', "parts": '{"messages":[{"role":"user","content":[' + '{"type":"text","text":"x"},' * 30_000 + '{"type":"text","text":"x"}]}]}',
    "stops": '{"messages":[' + MESSAGE + '],"stop":[' + '"x",' * 200_000 + '"x"]}', "accents": '{"messages":[{"role":"user","content":"' + "e" + "\u0301" * 400_000 + '"}]}',
}


@pytest.mark.parametrize("name", JSON)
def test_a_json_bomb_is_refused_and_costs_little(house, name):
    """Pass: 400 or 413 with a reason within 20 s, less than 200 MiB more memory, and the next request is answered; many short messages are no bomb, and are cut to the context."""
    before, start = resident(house.server.pid), time.monotonic()
    reply = requests.post(house.url + "/v1/chat/completions", data=JSON[name].encode(), headers=house.headers, timeout=60)
    if name == "messages up to the limit":
        assert reply.status_code == 200 and reply.json()["usage"]["dropped_messages"] > 1_000
        return
    assert reply.status_code in (400, 413), reply.text[:500]
    assert "Content-Security-Policy" in reply.headers and set(reply.json()["error"]) >= {"message", "code"} and len(reply.content) < 1_000
    assert time.monotonic() - start < 20 and resident(house.server.pid) - before < 200 * MIB
    assert requests.get(house.url + "/v1/models", headers=house.headers, timeout=5).status_code == 200


@pytest.mark.parametrize("content", [b"", b"[]", b"nul", b"{", b"\xff\xfe{\0}\0", b'{"text":1}', b'{"text":"x","text":"y"}', b'{"text":"x","more":1}', deep("[", "]", 200_000).encode(), b'{"text":"' + b"x" * 900_000 + b'"}',
                                     b'{"text":"x","replaces":-1}', b'{"text":"x","replaces":18446744073709551616}', b'{"text":"x","replaces":1e999}', b'{"text":"\\ud800"}'])
def test_a_sealed_bomb_is_refused_too(house, content):
    """Who has a key can seal anything. Pass: `malformed` or another refusal of the list, and the channel goes on."""
    channel = owner(house) if not hasattr(house, "sealed") else house.sealed
    house.sealed = channel
    conversation = channel.ask("conversations.create", {"offRecord": True})["id"]
    try:
        last = channel.pieces("conversations.send", content, conversation)[-1]
        assert "error" in last or content == b'{"text":"x","text":"y"}', last
    except Refused as refused:
        assert refused.code in ("malformed", "denied")
    assert channel.ask("settings")["name"] == "Ada"


def string(text):
    return struct.pack("<Q", len(text)) + text


def pair(key, kind, value):
    return string(key) + struct.pack("<I", kind) + value


def header(tensors, pairs, version=3, body=b""):
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + body


def changed(key, value, width="<I"):
    """The guide with one number of its metadata replaced."""
    at = GUIDE.index(string(key)) + 8 + len(key) + 4
    return GUIDE[:at] + struct.pack(width, value) + GUIDE[at + struct.calcsize(width):]


HUGE = (1 << 64) - 1
FILES = {
    "empty": b"", "one byte": b"G", "magic only": b"GGUF", "version 0": header(0, 0, 0), "version 1": header(0, 0, 1), "version 4": header(0, 0, 4), "other order of bytes": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "nothing in it": header(0, 0), "all the pairs there are": header(0, HUGE), "all the tensors there are": header(HUGE, 0), "2^63 pairs": header(0, 1 << 63), "2^32 pairs": header(0, 1 << 32) + b"\0" * 5_000,
    "a key of 2^64 bytes": header(0, 1, body=struct.pack("<Q", HUGE)), "a key of 2^63 bytes": header(0, 1, body=struct.pack("<Q", 1 << 63) + b"x" * 99), "a text of 2^64 bytes": header(0, 1, body=pair(b"a", 8, struct.pack("<Q", HUGE))),
    "an unknown kind": header(0, 1, body=pair(b"a", 99, b"")), "an array of 2^64": header(0, 1, body=pair(b"a", 9, struct.pack("<IQ", 4, HUGE))), "an array of 2^61 words": header(0, 1, body=pair(b"a", 9, struct.pack("<IQ", 10, 1 << 61))),
    "an array of 2^60 texts": header(0, 1, body=pair(b"a", 9, struct.pack("<IQ", 8, 1 << 60)) + b"\0" * 999), "an array of an unknown kind": header(0, 1, body=pair(b"a", 9, struct.pack("<IQ", 77, 1))),
    "arrays in arrays": header(0, 1, body=pair(b"a", 9, struct.pack("<IQ", 9, 1) * 100_000)), "a million empty texts": header(0, 1, body=pair(b"a", 9, struct.pack("<IQ", 8, 1_000_000) + b"\0" * 8_000_000)),
    "a pair twice": header(0, 2, body=pair(b"a", 4, b"\0" * 4) * 2), "no text": header(0, 1, body=pair(b"\xff\xfe", 8, string(b"\xff\xff"))), "alignment 0": header(0, 1, body=pair(b"general.alignment", 4, struct.pack("<I", 0))),
    "alignment 2^32-1": header(1, 1, body=pair(b"general.alignment", 4, struct.pack("<I", 0xFFFFFFFF)) + string(b"t") + struct.pack("<IQIQ", 1, 1, 0, 0)), "alignment of the wrong kind": header(0, 1, body=pair(b"general.alignment", 8, string(b"x"))),
    "a tensor of 2^64": header(1, 0, body=string(b"t") + struct.pack("<IQIQ", 1, HUGE, 0, 0)), "a product above 2^64": header(1, 0, body=string(b"t") + struct.pack("<IQQQQIQ", 4, 1 << 32, 1 << 32, 1 << 32, 1 << 32, 0, 0)),
    "2^32-1 dimensions": header(1, 0, body=string(b"t") + struct.pack("<I", 0xFFFFFFFF)), "no dimension": header(1, 0, body=string(b"t") + struct.pack("<IIQ", 0, 0, 0)), "a tensor of nothing": header(1, 0, body=string(b"t") + struct.pack("<IQIQ", 1, 0, 0, 0)),
    "an unknown tensor": header(1, 0, body=string(b"t") + struct.pack("<IQIQ", 1, 32, 250, 0)), "a tensor at 2^64": header(1, 0, body=string(b"t") + struct.pack("<IQIQ", 1, 32, 0, HUGE - 31)), "a tensor at 2^63": header(1, 0, body=string(b"t") + struct.pack("<IQIQ", 1, 32, 0, 1 << 63)),
    "half of a model": GUIDE[:len(GUIDE) // 2], "all but a byte": GUIDE[:-1], "2^32-1 layers": changed(b"llama.block_count", 0xFFFFFFFF), "no layer": changed(b"llama.block_count", 0), "no head": changed(b"llama.attention.head_count", 0),
    "2^32-1 heads": changed(b"llama.attention.head_count", 0xFFFFFFFF), "no key head": changed(b"llama.attention.head_count_kv", 0), "odd heads": changed(b"llama.attention.head_count", 7), "no width": changed(b"llama.embedding_length", 0),
    "width 2^32-1": changed(b"llama.embedding_length", 0xFFFFFFFF), "no context": changed(b"llama.context_length", 0), "context 2^32-1": changed(b"llama.context_length", 0xFFFFFFFF), "no feed-forward": changed(b"llama.feed_forward_length", 0),
    "feed-forward 2^32-1": changed(b"llama.feed_forward_length", 0xFFFFFFFF), "an end token that is none": changed(b"tokenizer.ggml.eos_token_id", 0xFFFFFFFF),
    "no epsilon": changed(b"llama.attention.layer_norm_rms_epsilon", float("nan"), "<f"), "zeros": b"GGUF" + b"\0" * 1_000_000, "ones": b"GGUF" + b"\3\0\0\0" + b"\xff" * 1_000_000,
}
MAY_RUN = {"context 2^32-1", "an end token that is none", "no epsilon", "no context"}


def bounded():
    """A command that computes for longer is killed, which shows as a signal."""
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))


def measured(home, *arguments):
    """Runs the command.

    Returns what came of it, and how much memory it took at most.
    """
    process = subprocess.Popen([conftest.BINARY, *map(str, arguments)], env=home.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=bounded)
    process.out, process.err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process, usage.ru_maxrss << 10


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bombs")
    for number, content in enumerate(FILES.values()):
        (folder / f"m{number}.gguf").write_bytes(content)
    return folder


@pytest.mark.parametrize("command", ["add", "serve"])
def test_a_hostile_model_file_is_refused_in_a_sentence(home, files, command):
    """Pass: `models add` and `serve --model` end with code 1 and one line, no signal, no 10 s of computing, less than 200 MiB; the control: the guide itself is taken."""
    sound = files / "sound.gguf"
    sound.write_bytes(GUIDE)
    assert measured(home, "models", "add", sound, "--data", home.data)[0].returncode == 0
    sound.unlink()
    for number, name in enumerate(FILES):
        if command == "serve" and name in MAY_RUN:
            continue
        arguments = ["models", "add"] if command == "add" else ["serve", "--port", home.port, "--model"]
        done, memory = measured(home, *arguments, files / f"m{number}.gguf", "--data", home.data)
        # What is well-formed and does not run may be kept, and it is said why it does not.
        allowed = (0, 1) if name in MAY_RUN or "but: " in done.err else (1,)
        assert done.returncode in allowed and done.err.count("\n") <= (4 if done.returncode == 0 else 1), (name, done.returncode, done.err)
        assert done.err.startswith("cloister: ") or done.returncode == 0, (name, done.err)
        assert memory < 200 * MIB, (name, memory >> 20)


def test_a_store_full_of_hostile_files_harms_no_server(home, files):
    """Pass: they are listed with what is wrong, asking for each is refused, and the server answers with the guide afterwards."""
    store = home.root / ".cache/llama.cpp"
    store.parent.mkdir()
    store.symlink_to(files)
    home.init()
    home.token = home.key()
    home.server = home.serve()
    home.headers = {"Authorization": f"Bearer {home.token}"}
    models = {m["name"]: m for m in program(home).ask("models")["models"]}
    assert len(models) > len(FILES) / 2
    before = resident(home.server.pid)
    ask = lambda model: requests.post(home.url + "/v1/completions", json={"model": model, "prompt": "Once", "max_tokens": 3}, headers=home.headers, timeout=30)
    for number, name in enumerate(FILES):
        known = models.get(f"m{number}")
        reply = ask(f"m{number}")
        assert reply.status_code in ((200, 400, 404, 500) if name in MAY_RUN else (400, 404, 500)), (name, reply.text)
        assert name in MAY_RUN or known is None or known["obstacles"] or reply.status_code == 500, name
        assert is_alive(home.server), name
    assert ask("guide").status_code == 200 and resident(home.server.pid) - before < 200 * MIB


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/full", "fifo", "folder", "/proc/self/mem", "/proc/self/environ", "socket"])
def test_what_is_no_file_is_no_model(home, place):
    """Pass: refused within seconds: a device without an end, a pipe that nobody writes, a folder."""
    target = Path(place) if place.startswith("/") else home.root / place
    if place == "fifo":
        os.mkfifo(target)
    if place == "folder":
        target.mkdir()
    done, memory = measured(home, "models", "add", target, "--name", "x", "--data", home.data)
    assert done.returncode == 1 and done.err.count("\n") == 1 and memory < 200 * MIB, done.err
