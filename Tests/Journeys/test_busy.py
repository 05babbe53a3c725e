"""Too many at once: who is refused, what they are told, and that nobody else notices."""

from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
import requests

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


def ask(home, token):
    body = {"model": "default", "prompt": "and then", "max_tokens": 400, "temperature": 2, "top_p": 1}
    return requests.post(home.url + "/v1/completions", json=body, headers={"Authorization": f"Bearer {token}"})


def test_one_key_that_asks_for_too_much_is_told_when_to_ask_again_and_another_is_served(home):
    assert ask(home, home.first).status_code == ask(home, home.second).status_code == 200
    with ThreadPoolExecutor(CROWD + 2) as pool:
        crowd = [pool.submit(ask, home, home.first) for _ in range(CROWD)]
        others = [pool.submit(ask, home, home.second) for _ in range(2)]
        replies, others = [reply.result() for reply in crowd], [reply.result() for reply in others]
    assert {reply.status_code for reply in others} == {200}
    refused = [reply for reply in replies if reply.status_code != 200]
    assert refused and {reply.status_code for reply in refused} == {429}
    for reply in refused:
        assert 1 <= int(reply.headers["Retry-After"]) <= 120
        assert reply.json()["error"]["type"] == "rate_limit_error" and "Try again in" in reply.json()["error"]["message"]
    assert ask(home, home.first).status_code == 200, "afterwards there is room again"


def test_openais_client_asks_again_and_gets_every_answer(home):
    client = openai.OpenAI(base_url=home.url + "/v1", api_key=home.first, max_retries=20)
    with ThreadPoolExecutor(CROWD) as pool:
        texts = list(pool.map(lambda _: client.completions.create(model="default", prompt="and then", max_tokens=100, temperature=2), range(CROWD)))
    assert len(texts) == CROWD and all(text.choices[0].finish_reason for text in texts)
