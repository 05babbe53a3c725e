"""What the kernel saw: whom a pull dialled, and that an air gap is one. Wants strace."""

import json
import os
import re
import shutil
import subprocess

import pytest

from conftest import BINARY
from registry import FILE, OLLAMA, Registry
from test_pull import registry, store  # noqa: F401 (a fixture)

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not here")


class Traced:
    """A command, and what it asked of the kernel's network."""

    def __init__(self, home, *arguments, **environment):
        trace = home.root / "trace"
        result = subprocess.run(
            ["strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace), BINARY, *map(str, arguments)],
            env=home.environment | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.code, self.words = result.returncode, result.stderr
        calls = [line for line in trace.read_text().splitlines() if "AF_INET" in line]
        self.sockets = [c for c in calls if "socket(" in c]
        self.dialled = {m[0] + ":" + m[1] for c in calls if "connect(" in c or "sendto(" in c or "sendmsg(" in c
                        for m in re.findall(r'sin_port=htons\((\d+)\).*?inet_addr\("([^"]+)"\)', c) for m in [(m[1], m[0])]}
        self.calls = calls


def pull(home, registry, reference=OLLAMA, *more, **environment):
    return Traced(home, "models", "pull", reference, "--registries", registry.setting, "--data", home.data, *more, **environment)


@needs_strace
def test_only_the_configured_address_is_dialled(home, registry):
    proxy = {name: "http://127.0.0.1:9" for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
    traced = pull(home, registry, **proxy)
    assert traced.code == 0, traced.words
    assert traced.sockets and traced.dialled == {f"127.0.0.1:{registry.port}"}, traced.calls


@needs_strace
def test_the_trace_shows_whoever_else_is_dialled(home, registry):
    """The control: without it the tests below could see nothing and be content."""
    files = Registry()
    registry.files = files.origin
    traced = pull(home, registry, FILE)
    files.close()
    assert traced.code == 0 and traced.dialled == {f"127.0.0.1:{registry.port}", f"127.0.0.1:{files.port}"}, traced.calls


@needs_strace
def test_a_name_with_its_address_is_not_looked_up(home, registry):
    setting = f"ollama=http://models.example:{registry.port}[127.0.0.1]"
    traced = Traced(home, "models", "pull", OLLAMA, "--registries", setting, "--data", home.data)
    assert traced.code == 0 and traced.dialled == {f"127.0.0.1:{registry.port}"}, traced.words
    assert {r[2]["host"] for r in registry.requests} == {f"models.example:{registry.port}"}


TARGETS = {
    "http://169.254.169.254/latest/meta-data/": "link-local", "http://10.0.0.1/": "private", "http://192.168.1.1/x": "private",
    "http://127.0.0.1:1/": "loopback", "http://127.1.2.3/": "loopback", "http://0.0.0.0/": "unspecified", "http://[::1]/": "loopback",
    "http://[::]/": "unspecified", "http://[::ffff:127.0.0.1]/": "embedded", "http://[fe80::1]/": "link-local", "http://[fd00:ec2::254]/": "metadata",
    "http://[64:ff9b::7f00:1]/": "embedded", "http://100.100.100.200/": "metadata", "http://224.0.0.1/": "multicast",
    "http://2130706433/": "neither a plain name", "http://0x7f000001/": "neither a plain name", "http://0x7f.1/": "neither a plain name",
    "http://0177.0.0.1/": "neither a plain name", "http://127.1/": "neither a plain name", "http://[fe80::1%25lo]/": "neither a plain name",
    "http://localhost/": "not configured", "https://cdn.example/": "not configured", "http://models.example./": "neither a plain name",
    "//cdn.example/x": "read differently", "ftp://127.0.0.1/": "only http", "file:///etc/passwd": "only http", "gopher://127.0.0.1:70/": "only http",
    "http+unix://x/": "only http", "unix:/run/x": "only http", "http://user@127.0.0.1/": "a user in it", "http://models.example@10.0.0.1/": "a user in it",
    "http://cdn.example\\@127.0.0.1/": "read differently", "http://127.0.0.1\\.cdn.example/": "read differently", "http://127.0.0.1#@cdn.example/": "read differently",
    "http://127.0.0.1:99999/": "1 to 65535", "http://127.0.0.1:080/": "1 to 65535", "http://%31%32%37.0.0.1/": "neither a plain name",
    "http://ⓛocalhost/": "read differently", "": "only http"}


@needs_strace
@pytest.mark.parametrize("reference", [OLLAMA, FILE])
def test_redirects_elsewhere_are_refused_before_any_connection(home, registry, reference):
    for target, words in TARGETS.items():
        registry.anything = lambda handler: handler.reply(302, Location=target.encode().decode("latin-1"))
        traced = pull(home, registry, reference)
        assert traced.code == 1 and words in traced.words, f"{target}: {traced.words}"
        assert traced.dialled == {f"127.0.0.1:{registry.port}"} and len(traced.sockets) == 1, f"{target}: {traced.calls}"
    assert store(home) == []


def gaps(home):
    """Every way in which the air gap is set: arguments and environment."""
    (home.root / "config.json").write_text('{"air-gap": true}')
    (home.root / "policy.json").write_text('{"air-gap": true}')
    (home.root / "open.json").write_text('{"air-gap": false}')
    policy = {"CLOISTER_POLICY": str(home.root / "policy.json")}
    return [
        (["--air-gap"], {}), ([], {"CLOISTER_AIR_GAP": "true"}), (["--config", home.root / "config.json"], {}), ([], policy),
        (["--config", home.root / "open.json"], policy | {"CLOISTER_AIR_GAP": "false"}), (["--air-gap"], {"CLOISTER_AIR_GAP": "false"})]


@needs_strace
def test_under_an_air_gap_no_socket_is_made(home, registry):
    registry.setting_named = f"hub=https://models.example,ollama={registry.origin}"
    for arguments, environment in gaps(home):
        for reference in (OLLAMA, FILE):
            traced = Traced(home, "models", "pull", reference, "--registries", registry.setting_named, "--data", home.data, *arguments, **environment)
            assert traced.code == 1 and "the air gap is set" in traced.words, traced.words
            assert traced.calls == [], "not even a name was looked up"
    assert registry.requests == []


POLICIES = {
    "no JSON": ("{", 0o600, "not a JSON object"), "a list": ("[]", 0o600, "not a JSON object"), "empty": ("", 0o600, "not a JSON object"),
    "unknown key": ('{"air-gap": true, "airgap": false}', 0o600, 'unknown key "airgap"'), "no truth": ('{"air-gap": "no"}', 0o600, "true or false"),
    "a number": ('{"air-gap": 0}', 0o600, "true or false"), "null": ('{"air-gap": null}', 0o600, "true or false"),
    "others write it": ('{"air-gap": true}', 0o646, "others may write it"), "the group writes it": ('{"air-gap": true}', 0o660, "others may write it"),
    "large": (" " * 100_000, 0o600, "too large")}


@pytest.mark.parametrize("case", POLICIES)
def test_a_policy_that_is_not_understood_or_not_trusted_stops_every_start(home, case):
    text, mode, words = POLICIES[case]
    policy = home.root / "policy.json"
    policy.write_text(text)
    os.chmod(policy, mode)
    home.environment["CLOISTER_POLICY"] = str(policy)
    for command in (["models", "list"], ["serve", "--port", home.port], ["models", "pull", OLLAMA]):
        refused = home.run(*command, "--data", home.data, check=False)
        assert refused.returncode == 1 and words in refused.stderr, refused.stderr


def test_a_policy_that_is_missing_a_link_or_in_an_open_folder_stops_the_start(home):
    (home.root / "policy.json").write_text(json.dumps({"air-gap": True}))
    (home.root / "link.json").symlink_to(home.root / "policy.json")
    (home.root / "open").mkdir(mode=0o777)
    os.chmod(home.root / "open", 0o777)
    shutil.copy(home.root / "policy.json", home.root / "open")
    for path, words in (("none.json", "there is no policy"), ("link.json", "cannot be read"), ("open/policy.json", "others may write its folder"), (".", "no regular file")):
        home.environment["CLOISTER_POLICY"] = str(home.root / path)
        refused = home.run("models", "list", "--data", home.data, check=False)
        assert refused.returncode == 1 and words in refused.stderr, refused.stderr


def test_an_air_gap_that_is_misspelt_stops_the_start(home):
    home.environment["CLOISTER_AIR_GAP"] = "on please"
    assert "air-gap must be true or false" in home.run("models", "list", "--data", home.data, check=False).stderr


# A file system in which the user is root and /etc is theirs: what the real root could do, without being it.
MACHINE = """mount -t tmpfs none /etc && mkdir -m 755 /etc/cloister && printf %s "$POLICY" > /etc/cloister/policy.json && chmod "$MODE" /etc/cloister/policy.json && exec "$@" """
mounts = shutil.which("unshare") and subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/etc"], capture_output=True).returncode == 0


@pytest.mark.skipif(not mounts, reason="no mount namespace can be made here")
@pytest.mark.parametrize("policy,mode,words", [
    ('{"air-gap": true}', "644", "the air gap is set"), ('{"air-gap": false}', "644", None), ('{"air-gap": true}', "666", "others may write it"), ("{", "644", "not a JSON object")])
def test_the_machines_policy_holds_whatever_the_user_says(home, registry, policy, mode, words):
    (home.root / "open.json").write_text('{"air-gap": false}')
    wish = {"CLOISTER_AIR_GAP": "false", "CLOISTER_POLICY": str(home.root / "open.json"), "POLICY": policy, "MODE": mode}
    result = subprocess.run(
        ["unshare", "-rm", "sh", "-c", MACHINE, "sh", BINARY, "models", "pull", OLLAMA, "--registries", registry.setting, "--data", home.data],
        env=home.environment | wish, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert (result.returncode, registry.requests == []) == ((1, True) if words else (0, False)), result.stderr
    assert not words or words in result.stderr
