"""`cloister connect`: the door for programs on the user's own machine, sealed to a cell on another one."""

import http.server
import os
import ssl
import sys
import threading
from pathlib import Path

import openai
import pytest
import requests

import conftest
from beyond import ADDRESS, NAME, Beyond, Connected, Recorder
sys.path[:0] = [str(Path(__file__).parent / "attacks")]
from processes import family, holds, named  # noqa: E402
from sweeping import canary  # noqa: E402

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")
BETWEEN = "127.0.0.3"
QUESTION = "What is Cloister?"


@pytest.fixture(scope="module")
def remote():
    home = conftest.Home()
    try:
        home.init()
        home.token = home.key()
        server = Beyond(home)
        server.arguments = server.arguments[:-1] + (f"{NAME},{ADDRESS},{BETWEEN}",)
        yield server.start()
    finally:
        home.close()


@pytest.fixture
def connect(tmp_path):
    """Starts `cloister connect` in a home of its own."""
    started = []

    def start(url, *arguments, **more):
        started.append(Connected(tmp_path, url, *arguments, **more))
        return started[-1]

    yield start
    for connected in started:
        connected.stop()


def link(remote, url=None):
    return f"{url or remote.url}/#node={remote.node}"


def program(connected, token):
    return openai.OpenAI(base_url=connected.url + "/v1", api_key=token, max_retries=0, timeout=30)


def test_the_openai_client_streams_from_the_other_machine(remote, connect):
    connected = connect(link(remote), "--ca", remote.authority)
    said = "".join(connected.lines)
    assert f"http://127.0.0.1:{connected.port}/v1" in said and remote.node in said
    ai = program(connected, remote.home.token)
    assert "guide" in [model.id for model in ai.models.list()]
    ask = {"model": "default", "messages": [{"role": "user", "content": QUESTION}]}
    whole = ai.chat.completions.create(**ask).choices[0].message.content
    pieces = [piece.choices[0].delta.content or "" for piece in ai.chat.completions.create(**ask, stream=True) if piece.choices]
    assert whole.startswith("Cloister is") and "".join(pieces).startswith("Cloister is") and len(pieces) > 5
    for token in ("cloister_wrong", ""):
        assert requests.get(connected.url + "/v1/models", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert requests.get(connected.url + "/v1/models").status_code == 401
    assert requests.get(connected.url + "/v1/models", headers={"Host": "evil.example"}).status_code == 421
    assert requests.get(connected.url + "/v1/models", headers={"Origin": "https://evil.example"}).status_code == 403
    assert requests.get(connected.url + "/").text == "Cloister is running", "the page is not there: the door is all"
    assert requests.get(connected.url + "/app.js").status_code == 404


def test_many_at_once_and_one_who_leaves(remote, connect):
    connected = connect(link(remote), "--ca", remote.authority)
    results = []

    def ask():
        results.append(program(connected, remote.home.token).chat.completions.create(model="default", messages=[{"role": "user", "content": QUESTION}], max_tokens=8))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 12
    for _ in range(5):
        with requests.post(connected.url + "/v1/chat/completions", json={"model": "default", "messages": [{"role": "user", "content": QUESTION}], "stream": True},
                           headers={"Authorization": f"Bearer {remote.home.token}"}, stream=True) as reply:
            next(reply.iter_lines())
    ask()
    assert len(results) == 13


def test_the_authority_may_be_named_by_its_fingerprint(remote, connect):
    fingerprint = "".join(remote.lines).split("SHA-256 ")[1].split("  link")[0].replace(" ", "").replace("\n", "")
    connected = connect(link(remote), "--ca", fingerprint)
    assert program(connected, remote.home.token).models.list()
    wrong = ("00" if fingerprint[:2] != "00" else "11") + fingerprint[2:]
    assert "certificate that nobody trusted here vouches for" in connect(link(remote), "--ca", wrong, state="other").error


def test_a_node_is_pinned_at_the_first_meeting(remote, connect):
    assert "was never met" in connect(remote.url, "--ca", remote.authority).error
    wrong = ("A" if remote.node[0] != "A" else "B") + remote.node[1:]
    assert "ALARM" in connect(remote.url, "--fingerprint", wrong, "--ca", remote.authority, state="second").error
    assert "was never met" in connect(remote.url, "--ca", remote.authority, state="second").error, "what was refused is not remembered"
    connect(remote.url, "--fingerprint", remote.node, "--ca", remote.authority).stop()
    connect(remote.url, "--ca", remote.authority).stop()
    assert "was met as another node" in connect(f"{remote.url}/#node={wrong}", "--ca", remote.authority).error
    assert "43 letters" in connect(f"{remote.url}/#node=abc", "--ca", remote.authority).error


def test_another_node_in_its_place_is_an_alarm_and_hears_nothing(home, connect):
    home.init()
    token = home.key()
    server = Beyond(home).start()
    connected = connect(link(server), "--ca", server.authority)
    ai = program(connected, token)
    assert ai.models.list()
    home.stop(server.server)
    (home.data / "node.key").rename(home.data / "away")
    server.start()
    with pytest.raises(openai.InternalServerError, match="ALARM"):
        ai.models.list()
    assert requests.get(connected.url + "/health").json()["encryption_enabled"] is False
    connected.stop()
    assert "ALARM" in connect(server.url, "--ca", server.authority).error
    home.stop(server.server)


def test_a_node_that_goes_away_is_said(home, connect):
    home.init()
    token = home.key()
    server = Beyond(home).start()
    connected = connect(link(server), "--ca", server.authority)
    home.stop(server.server)
    with pytest.raises(openai.InternalServerError, match="cannot be reached"):
        program(connected, token).models.list()
    assert "cannot be reached" in connect(server.url, "--ca", server.authority).error
    server.start()
    assert program(connected, token).models.list(), "and it is used again when it is back"


@pytest.mark.parametrize("url, words", [
    ("http://192.0.2.1:8443", "write https://"), ("ftp://cloister.test", "no address of a Cloister"), ("https://a@cloister.test", "no address of a Cloister"),
    ("https://cloister.test/path", "no address of a Cloister"), ("https://*.test", "no address of a Cloister"), ("cloister.test", "no address of a Cloister"),
])
def test_what_is_no_address_is_said(connect, url, words):
    assert words in connect(url, "--fingerprint", "A" * 43).error


def test_only_whom_the_person_named_is_trusted(remote, connect, tmp_path):
    assert "certificate that nobody trusted here vouches for" in connect(link(remote)).error
    other = conftest.Home()
    try:
        other.init()
        stranger = Beyond(other).start()
        assert "certificate that nobody trusted here vouches for" in connect(link(remote), "--ca", stranger.authority).error
    finally:
        other.close()
    (tmp_path / "no.pem").write_text("no")
    assert "no certificate in PEM" in connect(link(remote), "--ca", tmp_path / "no.pem").error
    assert "under an air gap" in connect("https://192.0.2.1/#node=" + "A" * 43, environment={"CLOISTER_AIR_GAP": "true"}).error


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Answers as no Cloister does."""
    asked = []

    def do_GET(self):
        self.asked.append((self.server.server_port, self.path))
        if self.server.answer == "redirect":
            self.send_response(302)
            self.send_header("Location", self.server.target)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            body = b"hello" if self.server.answer == "hello" else bytes(8 << 20)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    do_POST = do_CONNECT = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere(remote):
    made = []

    def start(answer, secure=True, target=""):
        server = http.server.ThreadingHTTPServer((ADDRESS, 0), Elsewhere)
        server.answer, server.target = answer, target
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(remote.home.data / "tls.pem", remote.home.data / "tls.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.append(server)
        return server
    yield start
    for server in made:
        server.shutdown()


def test_who_is_no_cloister_is_told_apart_and_nobody_is_followed(remote, connect, elsewhere):
    target = elsewhere("hello")
    redirecting = elsewhere("redirect", target=f"https://{ADDRESS}:{target.server_port}/cloister/v1/node")
    Elsewhere.asked.clear()
    for server, words in ((redirecting, "no Cloister of this version"), (elsewhere("hello"), "as this version knows it"), (elsewhere("much"), "that no Cloister does")):
        error = connect(f"https://{ADDRESS}:{server.server_port}/#node={remote.node}", "--ca", remote.authority).error
        assert words in error, error
    assert target.server_port not in [port for port, _ in Elsewhere.asked], "a redirection was followed"


def test_no_proxy_is_used_whatever_the_environment_says(remote, connect, elsewhere):
    proxy = elsewhere("hello", secure=False)
    Elsewhere.asked.clear()
    address = f"http://{ADDRESS}:{proxy.server_port}"
    connected = connect(link(remote), "--ca", remote.authority, environment={name: address for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")})
    assert program(connected, remote.home.token).models.list() and not Elsewhere.asked


# Blindness.

def spoken(connected, token, phrase):
    """Asks with a phrase, streaming and not, and returns the answers."""
    ai = program(connected, token)
    ask = {"model": "default", "messages": [{"role": "user", "content": f"{phrase} {QUESTION}"}], "max_tokens": 40}
    streamed = "".join(piece.choices[0].delta.content or "" for piece in ai.chat.completions.create(**ask, stream=True) if piece.choices)
    return [ai.chat.completions.create(**ask).choices[0].message.content, streamed]


def recorded(remote, connect, state, **contexts):
    """What crossed the wire while a phrase was asked, and what was said."""
    recorder = Recorder(remote.port, address=(BETWEEN, remote.port), **contexts)
    try:
        connected = connect(link(remote, f"https://{BETWEEN}:{remote.port}"), "--ca", remote.authority, state=state)
        phrase = canary()
        answers = spoken(connected, remote.home.token, phrase)
        assert recorder.connections > 4 and len(recorder.bytes) > 4_000
        # The control: what does cross it is found in what was kept.
        marker = canary()
        with remote.wire_to(BETWEEN) as wire:
            wire.sendall(f"GET /{marker} HTTP/1.1\r\nHost: {BETWEEN}:{remote.port}\r\nConnection: close\r\n\r\n".encode())
            while wire.recv(4096):
                pass
        return bytes(recorder.bytes), phrase, answers, marker
    finally:
        recorder.close()


def test_what_crosses_the_network_shows_nothing(remote, connect):
    """Pass: neither words nor key nor answer are in the bytes between the machines."""
    seen, phrase, answers, marker = recorded(remote, connect, "outside")
    for secret in (phrase, remote.home.token, QUESTION, marker, *[answer[:24] for answer in answers]):
        assert secret.encode() not in seen


def test_whoever_has_the_servers_key_sees_sealed_bytes_only(remote, connect):
    """Pass: a man in the middle with the key of TLS sees the requests' paths and sizes, and no word, no key, no answer; what was sent to him in the clear he sees."""
    inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inner.load_cert_chain(remote.home.data / "tls.pem", remote.home.data / "tls.key")
    inner.set_alpn_protocols(["http/1.1"])
    seen, phrase, answers, marker = recorded(remote, connect, "inside", inner=inner, outer=remote.context("http/1.1"))
    assert marker.encode() in seen and b"POST /cloister/v1/open" in seen and b"data: " in seen, "the control: TLS is open to him"
    for secret in (phrase, remote.home.token, QUESTION, *[answer[:24] for answer in answers]):
        assert secret.encode() not in seen, secret


@pytest.mark.skipif(os.geteuid() != 0, reason="not shown: reading a process's memory needs root")
def test_the_remote_gateway_is_blind(remote, connect):
    """Pass: the words are in a cell there and in the process here; in no other process there, the gateway and the endpoints among them."""
    connected = connect(link(remote), "--ca", remote.authority)
    phrase = canary()
    channel = program(connected, remote.home.token)
    found = []
    stream = channel.chat.completions.create(model="default", messages=[{"role": "user", "content": f"{phrase} {QUESTION}"}], stream=True)
    for _ in stream:
        found = found or [pid for pid in family(remote.server.pid) if holds(pid, phrase)]
    roles = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[2] for pid in found if Path(f"/proc/{pid}").exists()}
    assert found and set(roles.values()) <= {b"cell"}, roles
    assert holds(connected.process.pid, phrase), "the control: it is here"
    for pid in (remote.server.pid, named(remote.server, "gateway"), named(remote.server, "endpoints")):
        for secret in (phrase, remote.home.token):
            assert not holds(pid, secret)
