"""Models from a registry: fetched, checked, gone on with, and never another one without a word."""

import hashlib
import signal
import subprocess
import time

import pytest
from openai import OpenAI

from conftest import BINARY
from registry import CONTENT, FILE, HUB, OLLAMA, Registry


@pytest.fixture
def registry():
    registry = Registry()
    yield registry
    registry.close()


def pull(home, registry, reference, *more, check=True):
    return home.run("models", "pull", reference, "--registries", registry.setting, "--data", home.data, *more, check=check)


def store(home):
    """The models in Cloister's own store."""
    return sorted(p.name for p in (home.data / "models").glob("[!.]*.gguf"))


@pytest.mark.parametrize("reference,name", [
    (HUB, "tiny-Q4_K_M"), (FILE, "tiny-Q4_K_M"), (HUB + ":q8_0", "tiny-Q8_0"), (HUB + "@v1/tiny-Q8_0.gguf", "tiny-Q8_0"),
    (OLLAMA, "tiny-1b"), ("ollama:some/tiny", "some-tiny-latest")])
def test_both_shapes_are_pulled(home, registry, reference, name):
    said = pull(home, registry, reference)
    assert said.stdout == f"pulled cloister:{name}, SHA-256 {registry.digest}\n" and said.stderr == ""
    file = home.data / f"models/{name}.gguf"
    assert file.read_bytes() == CONTENT and file.stat().st_mode & 0o777 == 0o600 and store(home) == [file.name]
    assert "is unchanged" in home.run("models", "verify", name, "--data", home.data).stdout
    again = pull(home, registry, reference)
    assert again.stdout == f"cloister:{name} is here already, SHA-256 {registry.digest}\n"
    assert sum(method == "GET" and "/manifests/" not in path and "/api/" not in path for method, path, _ in registry.requests) == 1


def test_the_registry_sends_on_to_whom_it_may(home, registry):
    files = Registry()
    registry.files = files.origin
    try:
        pull(home, registry, FILE)
    finally:
        files.close()
    assert [(m, p) for m, p, _ in files.requests] == [("GET", "/files/x%2Fy?sign=a%2Bb~c")], "the address went through unchanged"
    assert files.requests[0][2] == {"host": f"127.0.0.1:{files.port}", "accept-encoding": "identity", "user-agent": "cloister"}


def test_a_running_server_has_the_model_at_once(home, registry):
    home.init()
    client = OpenAI(base_url=home.url + "/v1", api_key=home.key(), max_retries=0)
    home.serve()
    pull(home, registry, OLLAMA, "--name", "pulled")
    reply = client.chat.completions.create(model="pulled", messages=[{"role": "user", "content": "What is Cloister?"}])
    assert reply.model == "pulled" and reply.choices[0].message.content


def test_a_pull_that_was_cut_off_goes_on(home, registry):
    half = len(CONTENT) // 2
    registry.blob, whole = registry.cut(half), registry.blob
    cut = pull(home, registry, OLLAMA, check=False)
    assert cut.returncode == 1 and "what came is kept" in cut.stderr
    assert store(home) == [] and "tiny" not in home.run("models", "list", "--data", home.data).stdout
    registry.blob = whole
    assert "going on after" in pull(home, registry, OLLAMA).stderr
    headers = registry.requests[-1][2]
    assert headers["if-range"] == '"one"' and 0 < int(headers["range"][6:-1]) <= half
    assert (home.data / "models/tiny-1b.gguf").read_bytes() == CONTENT and store(home) == ["tiny-1b.gguf"]
    assert list((home.data / "models").glob(".*")) == [], "nothing of the way is left"


def test_a_remote_that_changed_meanwhile_begins_anew(home, registry):
    registry.blob, whole = registry.cut(len(CONTENT) // 2), registry.blob
    pull(home, registry, OLLAMA, check=False)
    registry.blob, registry.tag = whole, '"two"'
    assert "going on" not in pull(home, registry, OLLAMA).stderr
    assert (home.data / "models/tiny-1b.gguf").read_bytes() == CONTENT


def test_a_kill_leaves_no_half_and_the_rest_is_fetched_later(home, registry):
    whole = registry.blob

    def slowly(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.send_header("ETag", registry.tag)
        handler.end_headers()
        for start in range(0, len(CONTENT), 1 << 16):
            handler.wfile.write(CONTENT[start:start + (1 << 16)])
            time.sleep(0.05)

    registry.blob = slowly
    command = [BINARY, "models", "pull", OLLAMA, "--registries", registry.setting, "--data", str(home.data)]
    process = subprocess.Popen(command, env=home.environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    part = home.data / f"models/.{registry.digest}.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size > 1 << 17):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    beside = pull(home, registry, OLLAMA, check=False)
    assert beside.returncode == 1 and "another pull of this model is under way" in beside.stderr
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert store(home) == []
    registry.blob = whole
    assert "going on after" in pull(home, registry, OLLAMA).stderr
    assert (home.data / "models/tiny-1b.gguf").read_bytes() == CONTENT


def test_another_file_under_the_same_name_is_said_and_wants_a_word(home, registry):
    pull(home, registry, OLLAMA)
    first, second = registry.digest, bytearray(CONTENT)
    second[-1] ^= 1
    registry.content, registry.digest = bytes(second), hashlib.sha256(second).hexdigest()
    count = len(registry.requests)
    refused = pull(home, registry, OLLAMA, check=False)
    assert refused.returncode == 1 and first in refused.stderr and registry.digest in refused.stderr and "--accept" in refused.stderr
    assert len(registry.requests) == count + 1, "only the manifest was asked for"
    assert (home.data / "models/tiny-1b.gguf").read_bytes() == CONTENT
    home.run("models", "remove", "tiny-1b", "--data", home.data)
    assert pull(home, registry, OLLAMA, check=False).returncode == 1, "it is remembered although the model was removed"
    pull(home, registry, OLLAMA, "--accept")
    assert (home.data / "models/tiny-1b.gguf").read_bytes() == bytes(second)
    assert "is unchanged" in home.run("models", "verify", "tiny-1b", "--data", home.data).stdout


def test_names_are_judged_before_anything_is_fetched(home, registry):
    for name in ("../up", ".hidden", "a b"):
        assert "letters, digits" in pull(home, registry, OLLAMA, "--name", name, check=False).stderr
    pull(home, registry, OLLAMA, "--name", "mine")
    registry.content = registry.content[:-1] + b"x"
    registry.digest = hashlib.sha256(registry.content).hexdigest()
    taken = pull(home, registry, FILE, "--name", "mine", "--accept", check=False)
    assert taken.returncode == 1 and "in Cloister's store already" in taken.stderr
    for reference in ("tiny", "hub:tiny", "hub:a/../b", "ollama:a/b/c", "ollama:%2e%2e/x", "hub:a/b/c.bin", "ftp:x/y", "hub:a/b?x=.gguf"):
        assert "a model is called" in pull(home, registry, reference, check=False).stderr, reference
    registry.paths = ["a-Q8_0.gguf", "b-Q8_0.gguf"]
    assert "a-Q8_0.gguf, b-Q8_0.gguf" in pull(home, registry, HUB, check=False).stderr
    registry.paths = ["README.md"]
    assert "no model file" in pull(home, registry, HUB, check=False).stderr
    registry.announcement = lambda handler: handler.reply(404)
    assert "there is no such model" in pull(home, registry, FILE, check=False).stderr


def test_without_a_registry_nobody_is_asked(home):
    refused = home.run("models", "pull", OLLAMA, "--data", home.data, check=False)
    assert refused.returncode == 1 and "is not configured" in refused.stderr
    home.environment["CLOISTER_REGISTRIES"] = "ollama=registry"
    assert "only http:// and https://" in home.run("models", "list", "--data", home.data, check=False).stderr


def test_the_setting_comes_from_the_file_and_the_environment_too(home, registry):
    (home.root / "config.json").write_text(f'{{"registries": "{registry.setting}", "air-gap": false}}')
    assert "pulled" in home.run("models", "pull", OLLAMA, "--data", home.data, "--config", home.root / "config.json").stdout
    home.environment["CLOISTER_REGISTRIES"] = registry.setting
    assert "here already" in home.run("models", "pull", OLLAMA, "--data", home.data).stdout
