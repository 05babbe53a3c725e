"""Too many at once: who is refused, what they are told, and that nobody else notices."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import openai
import pytest

from conftest import Home

# More than one key may wait for, and answers long enough to be there together.
CROWD = 72


@pytest.fixture(scope="module")
def home():
    home = Home()
    try:
        home.init()
        home.first, home.second = home.key(), home.key()
        home.server = home.serve()
        yield home
    finally:
        home.close()


def connect(home):
    """A connection that is there, so that requests on many come at once however slow this program is."""
    connection = http.client.HTTPConnection(urlsplit(home.url).netloc)
    connection.connect()
    return connection


def ask(connection, key):
    body = {"model": "default", "prompt": "and then", "max_tokens": 400, "temperature": 2, "top_p": 1}
    connection.request("POST", "/v1/completions", json.dumps(body), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})


def reply_on(connection):
    reply = connection.getresponse()
    reply.body = json.load(reply)
    connection.close()
    return reply


def alone(home, key):
    connection = connect(home)
    ask(connection, key)
    return reply_on(connection).status


def test_one_key_that_asks_for_too_much_is_told_when_to_ask_again_and_another_is_served(home):
    assert alone(home, home.first) == alone(home, home.second) == 200
    connections = [connect(home) for _ in range(CROWD + 2)]
    for number, connection in enumerate(connections):
        ask(connection, home.first if number < CROWD else home.second)
    replies = [reply_on(connection) for connection in connections]
    replies, others = replies[:CROWD], replies[CROWD:]
    assert {reply.status for reply in others} == {200}
    refused = [reply for reply in replies if reply.status != 200]
    assert refused and {reply.status for reply in refused} == {429}
    for reply in refused:
        assert 1 <= int(reply.headers["Retry-After"]) <= 120
        assert reply.body["error"]["type"] == "rate_limit_error" and "Try again in" in reply.body["error"]["message"]
    assert alone(home, home.first) == 200, "afterwards there is room again"


def test_openais_client_asks_again_and_gets_every_answer(home):
    client = openai.OpenAI(base_url=home.url + "/v1", api_key=home.first, max_retries=20)
    with ThreadPoolExecutor(CROWD) as pool:
        texts = list(pool.map(lambda _: client.completions.create(model="default", prompt="and then", max_tokens=100, temperature=2), range(CROWD)))
    assert len(texts) == CROWD and all(text.choices[0].finish_reason for text in texts)
