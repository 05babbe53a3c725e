"""The OpenAI-shaped door and the tutorial's routes, with real clients."""

import openai
import pytest
import requests

from conftest import SHARED

ASK = [{"role": "user", "content": "What is Cloister?"}]


@pytest.fixture
def client(served):
    return openai.OpenAI(base_url=served.url + "/v1", api_key=served.token, max_retries=0)


def test_the_openai_package_lists_completes_and_streams(client):
    names = [model.id for model in client.models.list()]
    assert names == ["guide", "default"] and client.models.retrieve("guide").id == "guide"
    whole = client.chat.completions.create(model="default", messages=ASK, temperature=0)
    assert whole.choices[0].message.role == "assistant" and len(whole.choices[0].message.content) > 20
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    chunks = list(client.chat.completions.create(
        model="guide", messages=ASK, temperature=0, stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "stop" and chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0
    assert len(chunks) > 5, "an answer that comes in one piece is not streamed (B10)"


def test_limits_stops_seeds_and_parts_are_honoured(client):
    short = client.chat.completions.create(model="default", messages=ASK, max_completion_tokens=5, max_tokens=50, temperature=0)
    assert short.usage.completion_tokens == 5 and short.choices[0].finish_reason == "length"
    full = client.chat.completions.create(model="default", messages=ASK, temperature=0).choices[0].message.content
    stop = full.split()[3]
    cut = client.chat.completions.create(model="default", messages=ASK, temperature=0, stop=[stop, "never"])
    assert cut.choices[0].message.content == full[: full.index(stop)] and cut.choices[0].finish_reason == "stop"
    parts = [{"role": "user", "content": [{"type": "text", "text": "What is Cloister?"}]}]
    assert client.chat.completions.create(model="default", messages=parts, temperature=0).choices[0].message.content == full
    texts = {client.chat.completions.create(model="default", messages=ASK, temperature=2, seed=7, top_p=1).choices[0].message.content for _ in range(3)}
    assert len(texts) == 1
    completed = client.completions.create(model="default", prompt="Once", max_tokens=3)
    assert completed.object == "text_completion" and completed.usage.completion_tokens <= 3


@pytest.mark.parametrize("more,status,param", [
    ({"model": "gpt-4"}, 404, "model"), ({"n": 2}, 400, "n"), ({"temperature": 3}, 400, "temperature"), ({"top_p": 0}, 400, "top_p"),
    ({"max_tokens": 0}, 400, "max_tokens"), ({"tools": [{"type": "function"}]}, 400, "tools"), ({"logprobs": True}, 400, "logprobs"),
    ({"response_format": {"type": "json_object"}}, 400, "response_format"), ({"messages": []}, 400, "messages"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]}, 400, "messages.content.type"),
    ({"messages": "x"}, 400, "messages"),
])
def test_what_is_not_supported_is_refused_by_name(served, more, status, param):
    reply = requests.post(served.url + "/v1/chat/completions", json={"model": "default", "messages": ASK} | more, headers=served.headers)
    error = reply.json()["error"]
    assert reply.status_code == status and set(error) == {"message", "type", "param", "code"} and error["param"] == param


def test_unknown_fields_are_ignored_and_bad_bodies_refused(served):
    url = served.url + "/v1/chat/completions"
    body = {"model": "default", "messages": ASK, "user": "x", "metadata": {"a": "b"}, "n": 1, "presence_penalty": 0, "tools": []}
    assert requests.post(url, json=body, headers=served.headers).status_code == 200
    for raw in (b"", b"[]", b"{", '{"messages":1}'.encode("utf-16"), b"\xff\xfe", b'{"a":' * 2000):
        assert requests.post(url, data=raw, headers=served.headers).status_code == 400
    assert requests.post(url, data=b" " * 2_000_000, headers=served.headers).status_code in (400, 413)


@pytest.mark.parametrize("method,path", [("get", "/v1/models"), ("get", "/v1/models/guide"), ("post", "/v1/chat/completions"),
                                         ("post", "/v1/completions"), ("post", "/chat"), ("get", "/history/x")])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nothing"}, {"x-api-key": "cloister_x"}, {"Authorization": "Basic eDp5"}])
def test_every_route_wants_a_key(served, method, path, headers):
    """B3, R2, R13."""
    reply = requests.request(method, served.url + path, json={"message": "x", "messages": ASK, "prompt": "x"}, headers=headers)
    assert reply.status_code == 401


def test_a_revoked_key_opens_nothing(served):
    listed = served.owner("keys", "list").stdout.split()
    served.owner("keys", "revoke", listed[0])
    assert requests.get(served.url + "/v1/models", headers=served.headers).status_code == 401
    assert served.owner("keys", "list").stdout == ""


def test_the_tutorial_works_and_belongs_to_its_owner(served):
    """B1 path traversal, B2 routes, B3 owners, B8 history, requirements 25 to 28."""
    health = requests.get(served.url + "/health").json()
    assert health == {"status": "healthy", "model_device": "cpu", "encryption_enabled": True}
    before = sorted(p.name for p in served.root.rglob("*"))
    for session in ("test_session", "../../etc/passwd", "a/b", "é\u0000\n", "x" * 300, ""):
        body = {"message": "What is Cloister?", "session_id": session}
        reply = requests.post(served.url + "/chat", json=body, headers=served.headers).json()
        assert reply["session_id"] == session and reply["response"]
        assert reply["privacy_note"] == "Conversation encrypted and stored locally"
    assert sorted(p.name for p in served.root.rglob("*") if "-wal" not in p.name and "-shm" not in p.name) == \
        [n for n in before if "-wal" not in n and "-shm" not in n], "a label became a file"
    history = requests.get(served.url + "/history/test_session", headers=served.headers).json()
    assert history["total_messages"] == 2 and [m["role"] for m in history["history"]] == ["user", "assistant"]
    assert history["history"][0]["content"] == "What is Cloister?" and history["history"][0]["timestamp"].endswith("Z")
    traversal = requests.get(served.url + "/history/..%2F..%2Fetc%2Fpasswd", headers=served.headers).json()
    assert traversal["total_messages"] == 2
    other = {"Authorization": f"Bearer {served.key('other')}"}
    for path in ("/history/test_session", "/history/none"):
        reply = requests.get(served.url + path, headers=other)
        assert reply.status_code == 404 and reply.json() == {"error": "Session not found"}
    for body in ({}, {"message": ""}):
        reply = requests.post(served.url + "/chat", json=body, headers=served.headers)
        assert reply.status_code == 400 and reply.json() == {"error": "No message provided"}


def test_the_history_is_really_given_to_the_model(client):
    """B8: with an earlier turn the prompt is longer, and the second turn does not read the first again."""
    first = client.chat.completions.create(model="default", messages=ASK, temperature=0)
    more = ASK + [{"role": "assistant", "content": first.choices[0].message.content}, {"role": "user", "content": "tell me more"}]
    second = client.chat.completions.create(model="default", messages=more, temperature=0)
    assert second.usage.prompt_tokens > first.usage.prompt_tokens + first.usage.completion_tokens
    assert second.usage.prompt_tokens_details.cached_tokens >= first.usage.prompt_tokens


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared")
def test_greedy_text_is_llama_cpps(home):
    """B9: the answer is what was generated, by token position."""
    import json
    home.init()
    token = home.key()
    home.serve("--model", SHARED / "models/stories260K-f32.gguf")
    golden = json.loads((SHARED / "models/golden_stories260K_f32.json").read_text())[0]
    client = openai.OpenAI(base_url=home.url + "/v1", api_key=token)
    for model in ("default", "stories260K-f32"):
        reply = client.completions.create(model=model, prompt=golden["prompt"], max_tokens=len(golden["tokens"]), temperature=0)
        assert reply.choices[0].text == golden["text"]
