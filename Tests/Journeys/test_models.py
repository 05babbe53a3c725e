"""The models on this machine: listed, chosen, loaded when asked for, refused when they changed."""

import json
import shutil
from pathlib import Path

import pytest
import requests
from openai import NotFoundError, OpenAI

GUIDE = Path(__file__).resolve().parents[2] / "Sources/CGuide/guide.gguf"
ASK = [{"role": "user", "content": "What is Cloister?"}]


@pytest.fixture
def stocked(home):
    """A home where another program has a model, and where one file is broken."""
    store = home.root / ".cache/llama.cpp"
    store.mkdir(parents=True)
    shutil.copy(GUIDE, store / "other.gguf")
    (store / "broken.gguf").write_bytes(GUIDE.read_bytes()[:5000])
    home.other = store / "other.gguf"
    return home


def serve(home, *arguments):
    home.init()
    home.token = home.key()
    home.server = home.serve(*arguments)
    return OpenAI(base_url=home.url + "/v1", api_key=home.token, max_retries=0)


def test_models_are_listed_with_what_keeps_them_from_running(stocked):
    models = {m["id"]: m for m in json.loads(stocked.run("models", "list", "--json", "--data", stocked.data).stdout)["models"]}
    assert models["guide"]["standard"] and models["guide"]["guide"]
    other = models["llama.cpp:other"]
    assert other["architecture"] == "llama" and other["quantisation"] == "Q8_0" and other["fits"] and other["obstacles"] == []
    assert other["needs"] > other["bytes"]
    assert "incomplete" in models["llama.cpp:broken"]["obstacles"][0]
    listing = stocked.run("models", "--data", stocked.data).stdout
    assert "* guide" in listing and "does not run: the model file is incomplete" in listing


def test_a_model_is_added_checked_made_the_default_and_removed(stocked):
    added = stocked.run("models", "add", stocked.other, "--name", "mine", "--data", stocked.data).stdout
    assert "added cloister:mine" in added
    assert (stocked.data / "models/mine.gguf").stat().st_mode & 0o777 == 0o600
    assert "is unchanged" in stocked.run("models", "verify", "mine", "--data", stocked.data).stdout
    stocked.run("models", "default", "mine", "--data", stocked.data)
    client = serve(stocked)
    assert client.models.list().data[0].id == "mine"
    stocked.stop(stocked.server)
    refused = stocked.run("models", "remove", "other", "--data", stocked.data, check=False)
    assert refused.returncode == 1 and "belongs to another program" in refused.stderr
    stocked.run("models", "remove", "mine", "--data", stocked.data)
    assert "* guide" in stocked.run("models", "--data", stocked.data).stdout


def test_a_program_chooses_the_model_and_it_is_loaded_then(stocked):
    client = serve(stocked)
    assert [model.id for model in client.models.list()] == ["guide", "other", "default"]
    guide = client.chat.completions.create(model="default", messages=ASK, temperature=0)
    other = client.chat.completions.create(model="other", messages=ASK, temperature=0)
    assert guide.model == "guide" and other.model == "other"
    assert guide.choices[0].message.content == other.choices[0].message.content
    with pytest.raises(NotFoundError):
        client.chat.completions.create(model="nobody", messages=ASK)
    with pytest.raises(NotFoundError):
        client.chat.completions.create(model="broken", messages=ASK)


def test_a_file_that_changed_silently_is_refused_until_the_person_accepts_it(stocked):
    client = serve(stocked)
    client.chat.completions.create(model="other", messages=ASK)
    stocked.stop(stocked.server)
    changed = bytearray(stocked.other.read_bytes())
    changed[-1] ^= 1
    stocked.other.write_bytes(changed)
    stocked.server = stocked.serve()
    ask = lambda: requests.post(
        stocked.url + "/v1/chat/completions", json={"model": "other", "messages": ASK}, headers={"Authorization": f"Bearer {stocked.token}"})
    reply = ask()
    assert reply.status_code == 500 and "not the one that was used before" in reply.json()["error"]["message"]
    stocked.run("models", "accept", "other", "--data", stocked.data)
    assert ask().status_code == 200


def test_a_name_that_nobody_has_stops_the_start_and_names_what_is_near(stocked):
    refused = stocked.run("serve", "--data", stocked.data, "--model", "othe", check=False)
    assert refused.returncode == 1 and 'no model "othe"; there is llama.cpp:other' in refused.stderr


def test_two_families_answer_in_turns(home):
    """The guide, of the Llama family, and a trained Qwen 2 file; each knows what the other does not."""
    store = home.root / ".cache/llama.cpp"
    store.mkdir(parents=True)
    goldens = Path(__file__).resolve().parents[1] / "InferenceTests/Goldens"
    shutil.copy(goldens / "qwen2-tiny.gguf", store)
    client = serve(home)
    known = json.loads((goldens / "qwen2-tiny.greedy.json").read_text())
    ask = lambda model, text: client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}], temperature=0
    ).choices[0].message.content
    for case in known[:3] + known[-1:]:
        assert ask("qwen2-tiny", case["question"]) == case["text"]
        assert "private AI" in ask("guide", "What is Cloister?")
