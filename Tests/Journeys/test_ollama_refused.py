"""What Ollama's shapes refuse: what is not supported, by name; who has no key; bodies that nobody honest sends."""

import os
import subprocess
import sys

import ollama
import pytest
import requests

from ollama_place import ASK, place  # noqa: F401 (fixtures are found by name)

# What is not given is said.

@pytest.mark.parametrize("path", ["chat", "generate", "show"])
def test_a_model_that_is_not_here_is_not_found(place, path):
    for name in ("llama3.2", "guide:1b", "../../etc/passwd", "x" * 5000):
        reply = place.post(path, model=name, messages=ASK, prompt="x")
        assert reply.status_code == 404 and set(reply.json()) == {"error"} and "GET /api/tags" in reply.json()["error"]
    with pytest.raises(ollama.ResponseError) as error:
        place.client.chat("llama3.2", ASK)
    assert error.value.status_code == 404


TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


@pytest.mark.parametrize("more,word", [
    ({"tools": [TOOL]}, "tools"), ({"format": "json"}, "format"), ({"format": {"type": "object"}}, "format"), ({"think": True}, "think"),
    ({"think": "high"}, "think"), ({"logprobs": True}, "logprobs"), ({"top_logprobs": 3}, "top_logprobs"), ({"truncate": False}, "truncate"),
    ({"messages": [{"role": "user", "content": "x", "images": ["aGk="]}]}, "messages.images"),
    ({"messages": [{"role": "assistant", "content": "", "tool_calls": [{}]}]}, "messages.tool_calls"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages.role"), ({"messages": []}, "messages"), ({"messages": None}, "messages"),
    ({"messages": [{"role": "system", "content": "x"}]}, "messages"), ({"model": None}, "model"), ({"model": ""}, "model"),
    *[({"options": options}, next(iter(options))) for options in (
        {"mirostat": 1}, {"presence_penalty": 0.5}, {"frequency_penalty": 1}, {"num_keep": 4}, {"typical_p": 0.5}, {"tfs_z": 0.5},
        {"repeat_last_n": 8, "repeat_penalty": 1.1}, {"penalize_newline": False, "repeat_penalty": 1.1}, {"num_ctx": 10_000_000},
        {"temperature": 2.5}, {"temperature": -1}, {"top_p": 0}, {"top_p": 1.5}, {"min_p": 2}, {"top_k": -1}, {"repeat_penalty": 0},
        {"repeat_penalty": 3}, {"num_predict": 0}, {"num_predict": -3}, {"num_predict": 10**6}, {"stop": ["x"] * 9})],
])
@pytest.mark.parametrize("stream", [True, False])
def test_what_a_chat_cannot_have_is_refused_by_name(place, more, word, stream):
    reply = place.post("chat", **{"model": "guide", "messages": ASK, "stream": stream} | more)
    assert reply.status_code == 400 and set(reply.json()) == {"error"} and word in reply.json()["error"]


@pytest.mark.parametrize("more", [{"images": ["aGk="]}, {"raw": True}, {"template": "{{ .Prompt }}"}, {"suffix": "x"}, {"context": [1, 2]},
                                  {"format": "json"}, {"think": True}, {"width": 512}, {"prompt": ""}, {"logprobs": True}])
def test_what_generating_cannot_have_is_refused_by_name(place, more):
    reply = place.post("generate", **{"model": "guide", "prompt": "x"} | more)
    assert reply.status_code == 400 and set(reply.json()) == {"error"} and next(iter(more)) in reply.json()["error"]


def test_nobody_changes_models_over_http(place):
    for call in (lambda: place.client.pull("x"), lambda: list(place.client.pull("x", stream=True)), lambda: place.client.push("x"),
                 lambda: place.client.create("x", from_="guide"), lambda: place.client.copy("guide", "x"), lambda: place.client.delete("guide")):
        with pytest.raises(ollama.ResponseError) as error:
            call()
        assert error.value.status_code == 403 and "cloister models" in error.value.error
    assert requests.post(f"{place.url}/api/blobs/sha256:00", data=b"x", headers=place.headers).status_code == 403
    for call in (lambda: place.client.embed("guide", "x"), lambda: place.client.embeddings("guide", "x")):
        with pytest.raises(ollama.ResponseError) as error:
            call()
        assert error.value.status_code == 501 and "Embeddings" in error.value.error


ROUTES = [("get", "version"), ("get", "tags"), ("get", "ps"), ("post", "show"), ("post", "chat"), ("post", "generate"), ("post", "pull"),
          ("post", "push"), ("post", "create"), ("post", "copy"), ("delete", "delete"), ("post", "blobs/sha256:00"), ("post", "embed"), ("post", "embeddings")]


def test_a_head_is_a_get_without_a_body(place):
    """The client of Ollama's own command line asks so whether anybody is there; nothing but that is answered without a key."""
    for path, headers, status in (("/", {}, 200), ("/api/version", place.headers, 200), ("/api/tags", place.headers, 200), ("/api/tags", {}, 401)):
        head, get = (requests.request(method, place.url + path, headers=headers) for method in ("HEAD", "GET"))
        assert head.status_code == get.status_code == status and head.content == b"" and get.content, path
        assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert requests.head(place.url + "/nothing").status_code == 404


@pytest.mark.parametrize("method,path", ROUTES)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nothing"}, {"Authorization": "Basic eDp5"}, {"x-api-key": "cloister_x"}])
def test_every_route_wants_a_key_and_says_how(place, method, path, headers):
    reply = requests.request(method, f"{place.url}/api/{path}", json={"model": "guide", "messages": ASK, "prompt": "x"}, headers=headers)
    assert reply.status_code == 401 and set(reply.json()) == {"error"}
    assert "OLLAMA_API_KEY" in reply.json()["error"] and "Bearer cloister_" in reply.json()["error"]


def test_the_key_may_come_from_the_environment(place):
    program = "import ollama; print(ollama.Client().chat('guide', [{'role': 'user', 'content': 'What is Cloister?'}]).message.content)"
    run = lambda **more: subprocess.run(  # noqa: E731
        [sys.executable, "-c", program], env=os.environ | {"OLLAMA_HOST": place.url} | more, capture_output=True, text=True, timeout=60)
    assert run(OLLAMA_API_KEY=place.home.token).stdout.startswith("Cloister")
    assert "OLLAMA_API_KEY" in run(OLLAMA_API_KEY="").stderr


def test_another_site_and_another_name_are_refused(place):
    for header, status in (({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403)):
        assert requests.get(place.url + "/api/tags", headers=place.headers | header).status_code == status


# Bodies that nobody honest sends.

@pytest.mark.parametrize("raw", [
    b"", b"[]", b"{", b"null", b'"x"', b"\xff\xfe", b'{"model":' * 2000, b"[" * 100_000, b'{"model":"guide","messages":' + b"[" * 50_000,
    b'{"model":"guide","options":{"temperature":NaN},"prompt":"x","messages":[]}', b'{"model":"guide","options":{"temperature":Infinity}}',
    b'{"model":"guide","options":{"temperature":1e999},"prompt":"x"}', b'{"model":"guide","options":{"seed":1e30},"prompt":"x"}',
    b'{"model":"guide","options":{"num_predict":1.5},"prompt":"x"}', b'{"model":"guide","options":{"top_k":"40"},"prompt":"x"}',
    b'{"model":"guide","options":[],"prompt":"x"}', b'{"model":"guide","options":{"stop":[1]},"prompt":"x"}', b'{"model":1}',
    b'{"model":"guide","stream":"yes","prompt":"x"}', b'{"model":"guide","prompt":["x"]}', b'{"model":"guide","messages":{"role":"user"}}',
    b'{"model":"guide","messages":[null]}', b'{"model":"guide","messages":[{"content":"x"}]}', b'{"model":"guide","messages":[{"role":1}]}',
    b'{"model":"guide","messages":[{"role":"user","content":{"x":1}}]}', b'{"model":"guide","prompt":"\\ud800"}',
    '{"model":"guide","prompt":"x"}'.encode("utf-16"),
])
@pytest.mark.parametrize("path", ["chat", "generate", "show"])
def test_a_hostile_body_is_refused_and_disturbs_nobody(place, raw, path):
    if path == "show" and b'"guide"' in raw and raw.endswith(b"}"):
        return  # It asks for no more than a model.
    reply = requests.post(f"{place.url}/api/{path}", data=raw, headers=place.headers)
    assert reply.status_code in (400, 404) and set(reply.json()) == {"error"} and len(reply.text) < 500, reply.text
    assert place.client.list().models


def test_a_large_body_is_refused(place):
    for body in (b" " * 2_000_000, b'{"model": "guide", "prompt": "' + b"x" * 2_000_000 + b'"}'):
        reply = requests.post(f"{place.url}/api/generate", data=body, headers=place.headers)
        assert reply.status_code == 413 and "error" in reply.json()
    assert place.client.list().models
