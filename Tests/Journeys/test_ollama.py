"""Ollama's shapes, with Ollama's own Python package, beside a server and through `cloister connect`."""

import asyncio
import json
import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import ollama
import requests

from ollama_place import ASK, GUIDE, named, place  # noqa: F401 (fixtures are found by name)

# What Ollama's package does.

def test_the_ollama_package_lists_and_shows(place):
    listed = {model.model: model for model in place.client.list().models}
    assert list(listed) == ["guide", "other", "plain", "default"] and listed["default"].digest == listed["guide"].digest
    guide = listed["guide"]
    assert guide.size == GUIDE.stat().st_size and guide.details.format == "gguf" and guide.details.quantization_level == "Q8_0"
    assert guide.details.parameter_size[-1] in "KMB" and guide.modified_at is None, "nobody knows when"
    for name in ("guide", "guide:latest", "default", "default:latest"):
        shown = place.client.show(name)
        family = shown.details.family
        assert shown.capabilities == ["completion"] and shown.modelinfo["general.architecture"] == family
        assert shown.modelinfo[f"{family}.context_length"] > 0 and shown.modelinfo["general.parameter_count"] > 1000
    assert requests.get(place.url + "/api/version", headers=place.headers).json() == {"version": place.home.run("--version").stdout.strip()}


def test_what_is_loaded_is_listed(place):
    place.client.chat("guide", ASK, options={"num_predict": 1})
    loaded = place.client.ps().models
    assert "guide" in [model.model for model in loaded] and "default" not in [model.model for model in loaded]
    assert loaded[0].context_length > 0 and loaded[0].size_vram == 0 and loaded[0].expires_at is None


def test_a_chat_comes_whole_and_streamed(place):
    whole = place.client.chat("guide", ASK, options={"temperature": 0})
    assert whole.message.role == "assistant" and whole.message.content.startswith("Cloister is") and whole.model == "guide"
    lines = list(place.client.chat("guide:latest", ASK, options={"temperature": 0}, stream=True))
    assert "".join(line.message.content for line in lines) == whole.message.content and len(lines) > 5
    assert not any(line.done for line in lines[:-1]) and not any(line.eval_count for line in lines[:-1])
    for last in (whole, lines[-1]):
        assert last.done and last.done_reason == "stop" and last.prompt_eval_count > 5 and last.eval_count > 5
        assert last.prompt_eval_duration > 0 and last.eval_duration > 0
        assert last.prompt_eval_duration + last.eval_duration < last.total_duration < 60e9


def test_an_asynchronous_client_does_the_same(place):
    async def ask():
        client = ollama.AsyncClient(host=place.url, headers=place.headers)
        whole = await client.chat("default", ASK, options={"temperature": 0})
        pieces = [piece.message.content async for piece in await client.chat("default", ASK, options={"temperature": 0}, stream=True)]
        assert "".join(pieces) == whole.message.content and whole.model == "guide"
    asyncio.run(ask())


def test_generating_is_a_chat_of_one_message(place):
    options = {"temperature": 0}
    text = place.client.chat("guide", ASK, options=options).message.content
    whole = place.client.generate("guide", "What is Cloister?", options=options)
    pieces = list(place.client.generate("guide", "What is Cloister?", options=options, stream=True))
    assert whole.response == text == "".join(piece.response for piece in pieces) and whole.context is None
    system = "You answer in one word."
    told = place.client.generate("plain", "What is Cloister?", system=system, options=options)
    chat = place.client.chat("plain", [{"role": "system", "content": system}] + ASK, options=options)
    alone = place.client.generate("plain", "What is Cloister?", options=options)
    assert told.response == chat.message.content and told.prompt_eval_count == chat.prompt_eval_count > alone.prompt_eval_count


def test_a_stream_is_what_nobody_declines(place):
    reply = place.post("chat", model="guide", messages=ASK)
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert reply.headers["Content-Type"] == "application/x-ndjson" and len(lines) > 5 and lines[-1]["dropped_messages"] == 0
    assert set(lines[0]) == {"model", "created_at", "message", "done"} and lines[0]["created_at"].endswith("Z")
    whole = place.post("chat", model="guide", messages=ASK, stream=False)
    assert whole.headers["Content-Type"] == "application/json" and whole.json()["done"] is True
    assert "load_duration" not in whole.json(), "nothing was loaded, so nothing was measured"


def test_a_model_that_has_to_be_loaded_says_how_long_it_took(place):
    started = time.monotonic()
    reply = place.post("chat", model="other:latest", messages=ASK, stream=False, options={"num_predict": 2}, keep_alive="5m").json()
    assert reply["model"] == "other" and reply["total_duration"] < (time.monotonic() - started) * 1e9
    assert 0 < reply["load_duration"] < reply["total_duration"]


def test_options_are_honoured(place):
    short = place.client.chat("guide", ASK, options={"num_predict": 5, "temperature": 0})
    assert short.eval_count == 5 and short.done_reason == "length"
    full = place.client.chat("guide", ASK, options={"temperature": 0, "num_predict": -1}).message.content
    stop = full.split()[3]
    cut = place.client.chat("guide", ASK, options={"temperature": 0, "stop": [stop, "never"]})
    assert cut.message.content == full[: full.index(stop)] and cut.done_reason == "stop"
    seeded = {place.client.chat("guide", ASK, options={"temperature": 2, "top_p": 1, "top_k": 0, "min_p": 0, "seed": 7, "num_predict": 20}).message.content for _ in range(3)}
    free = {place.client.chat("guide", ASK, options={"temperature": 2, "top_p": 1, "top_k": 0, "min_p": 0, "seed": -1, "num_predict": 20}).message.content for _ in range(3)}
    assert len(seeded) == 1 and len(free) > 1
    narrow = place.client.chat("guide", ASK, options={"temperature": 2, "top_k": 1, "num_predict": 20}).message.content
    assert full.startswith(narrow), "the likeliest of one is the likeliest"
    assert full.startswith(place.client.chat("guide", ASK, options={"temperature": 2, "top_p": 1e-6, "num_predict": 20}).message.content)
    assert full.startswith(place.client.chat("guide", ASK, options={"temperature": 2, "min_p": 1, "num_predict": 20}).message.content)
    assert place.client.chat("guide", ASK, options={"temperature": 0, "repeat_penalty": 2}).message.content != full
    harmless = {"num_gpu": 0, "num_thread": 2, "use_mmap": True, "num_ctx": 64, "typical_p": 1.0, "mirostat": 0, "presence_penalty": 0, "frequency_penalty": 0.0}
    assert place.client.chat("guide", ASK, options=harmless | {"temperature": 0}, think=False, format="", tools=[]).message.content == full


def test_nothing_is_stored(place):
    def count():
        return sqlite3.connect(f"file:{place.home.data}/archive/archive.sqlite?mode=ro", uri=True).execute("select count(*) from record").fetchone()[0]
    before = count()
    assert place.client.chat("guide", ASK).done and place.client.generate("guide", "What is Cloister?").done
    assert count() == before
    chat = {"model": "guide", "messages": ASK, "store": True}
    assert requests.post(place.url + "/v1/chat/completions", json=chat, headers=place.headers).ok and count() > before, "the control"


def test_more_than_the_context_is_said(place):
    long = [{"role": "user", "content": "What is Cloister? " * 20}, {"role": "assistant", "content": "word " * 200}] * 20 + ASK
    reply = place.post("chat", model="guide", messages=long, stream=False, options={"num_predict": 1})
    assert reply.status_code == 200 and reply.json()["dropped_messages"] > 0


# What happens on the way.

def test_many_at_once_and_one_who_leaves(place):
    async def ask():
        client = ollama.AsyncClient(host=place.url, headers=place.headers)
        async def one():
            return [piece async for piece in await client.chat("guide", ASK, stream=True, options={"num_predict": 8})]
        return await asyncio.gather(*[one() for _ in range(12)])
    assert all(lines[-1].done_reason == "length" for lines in asyncio.run(ask()))
    for _ in range(5):
        with requests.post(place.url + "/api/chat", json={"model": "guide", "messages": ASK}, headers=place.headers, stream=True) as reply:
            next(reply.iter_lines())
    assert place.client.chat("guide", ASK, options={"num_predict": 2}).eval_count == 2


def begun(place, engines):
    """A reply that has begun, from engines that stand still before they get far with it."""
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(requests.post, place.url + "/api/chat", json={"model": "guide", "messages": ASK}, headers=place.headers, stream=True)
        while not reply.done():
            for pulse in (signal.SIGCONT, signal.SIGSTOP):
                for pid in engines:
                    os.kill(pid, pulse)
                time.sleep(0.001 if pulse == signal.SIGCONT else 0.03)
        return reply.result()


def test_an_answer_that_breaks_off_says_so_on_a_line(place):
    assert place.client.chat("guide", ASK).done
    engines = place.engines()
    with begun(place, engines) as reply:
        assert reply.status_code == 200
        for pid in engines:
            os.kill(pid, signal.SIGKILL)
        last = json.loads(list(reply.iter_lines())[-1])
    assert set(last) == {"error"} and last["error"]
    assert place.client.chat("guide", ASK).message.content.startswith("Cloister is"), "the next one is answered"


def test_a_way_that_breaks_off_says_so_on_a_line(place):
    """Without the gateway there is no way to the cell."""
    engines = place.engines()
    with begun(place, engines) as reply:
        os.kill(named(place.home.server, "gateway"), signal.SIGKILL)
        last = json.loads(list(reply.iter_lines())[-1])
    assert last == {"error": "The answer was cut off."}
    for pid in engines:
        os.kill(pid, signal.SIGCONT)
