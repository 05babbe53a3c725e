"""Class 13, what model output can make a browser do: the exact policy, and names and connections that CSP does not stop (F12)."""

import json
import os
import re
import socket
import threading
import time

import pytest
import requests
from playwright.sync_api import sync_playwright

import conftest
import raw
from attack_fixtures import house  # noqa: F401 (fixtures are found by name)
from channel import Channel
from page_fixtures import CHROMIUM, Person
from page_server import Server

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

POLICY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; base-uri 'none'; form-action 'none'; "
                               "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "referrer-policy": "no-referrer", "x-content-type-options": "nosniff", "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()", "cache-control": "no-store",
}


def test_every_answer_carries_the_exact_policy(house):
    """Pass: each field, to the letter and once, on pages, files, sealed and plain replies, streams, and errors of every kind; no `Server`, no cookie but from an opening."""
    files = re.findall(r'(?:src|href)="(/[^"]+)"', requests.get(house.url + "/").text)
    assert len(files) > 2, "the control: the page's files were read"
    asked = [("GET", path, {}, None) for path in ["/", *files, "/health", "/cloister/v1/node", "/none", "/v1/models", "/history/x"]]
    chat = {"model": "default", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}
    asked += [("POST", "/cloister/v1/open", {}, b"x"), ("POST", "/cloister/v1/open", {}, b"x" * 9_000), ("POST", "/cloister/v1/cell/models", {}, b"x"), ("POST", "/chat", {}, b"{"), ("PUT", "/", {}, b""), ("OPTIONS", "/chat", {}, b""),
              ("POST", "/chat", house.headers, b" " * 1_000_000), ("POST", "/chat", house.headers, b"{"), ("POST", "/v1/chat/completions", house.headers, json.dumps(chat).encode()), ("POST", "/v1/chat/completions", house.headers, json.dumps(chat | {"stream": True}).encode()),
              ("GET", "/", {"Host": "evil.example"}, None), ("GET", "/", {"Origin": "http://evil.example"}, None), ("GET", "/", {"Sec-Fetch-Site": "cross-site"}, None)]
    for method, path, headers, body in asked:
        reply = requests.request(method, house.url + path, headers=headers, data=body)
        fields = {name.lower(): value for name, value in reply.headers.items()}
        assert {name: fields.get(name) for name in POLICY} == POLICY, (method, path, reply.status_code)
        assert not {"server", "x-powered-by", "set-cookie"} & set(fields), path
    _, _, received = raw.exchange(house.port, raw.request(house.port, "/"))
    assert all(received.lower().count(b"\r\n" + name.encode() + b":") == 1 for name in POLICY)


def test_the_cookie_is_closed_to_pages_and_other_sites(house):
    """Pass: an opening's cookie is HttpOnly, SameSite=Strict and bound to the path; a refused opening sets one that routes nowhere, or none."""
    seen = []

    class Watched(Channel):
        def _bytes(self, method, path, body=None):
            reply = requests.request(method, f"http://localhost:{self.port}{path}", data=body)
            seen.append(reply.headers.get("Set-Cookie"))
            return reply.content

    channel = Watched(house.port, {"passphrase": {"name": "Ada", "passphrase": conftest.PASSPHRASE}})
    assert seen == [None, f"cloister-route={channel.route}; HttpOnly; SameSite=Strict; Path=/cloister"]


NAMES = "{label}.attacker.test"
HOSTILE = """mark
<link rel="dns-prefetch" href="//{0}"> <link rel=preconnect href="http://{1}:{port}"> <link rel=preload as=image href="http://{2}:{port}/x"> <link rel=prerender href="http://{3}:{port}/x">
<link rel=modulepreload href="http://{4}:{port}/x"> <script type=speculationrules>{{"prefetch": [{{"urls": ["http://{5}:{port}/x"]}}]}}</script>
<a href="http://{6}:{port}/x" ping="http://{7}:{port}/p">x</a> [x](http://{8}:{port}/x) http://{9}:{port}/x <http://{10}:{port}/x> ![x](http://{11}:{port}/x)
<meta http-equiv=x-dns-prefetch-control content=on> <img srcset="http://{12}:{port}/x 2x"> <input type=image src="http://{13}:{port}/x">
"""
FEED = """async (text) => {
    const { Turn } = await import("/turn.js");
    const turn = new Turn("assistant", "A model", () => {});
    document.querySelector(".turns").append(turn.node);
    for (const piece of text.match(/[^]{1,7}/gu)) turn.append(piece);
    return turn.body.innerText;
}"""


class Knocks:
    """A listener on loopback that counts connections."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.count = self.socket.getsockname()[1], 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            connection.close()


def browsing(tmp_path, name, go):
    """Runs a browser whose every look-up of a name and connection is written down; all names of the attacker lead to loopback."""
    log = tmp_path / f"{name}.json"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[
            "--no-sandbox", f"--log-net-log={log}", "--net-log-capture-mode=Everything", "--host-resolver-rules=MAP *.attacker.test 127.0.0.1"])
        go(browser)
        browser.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not log.exists():
        time.sleep(0.1)
    return log.read_text(errors="replace")


def test_an_answer_asks_for_no_name_and_no_connection(tmp_path):
    """Pass: of fourteen names in hostile Markdown none is in Chromium's own log of the network, and nobody knocks; the control: the same as a page looks names up and connects."""
    knocks = Knocks()
    labels = [f"label{number}x" for number in range(14)]
    hostile = HOSTILE.format(*[NAMES.format(label=label) for label in labels], port=knocks.port)
    server = Server(tmp_path / "data")

    def on_the_page(browser):
        context = browser.new_context()
        page = Person(context, server).enter()
        assert "mark" in page.evaluate(FEED, hostile)
        page.mouse.move(300, 300)
        page.wait_for_timeout(1_500)

    def elsewhere(browser):
        page = browser.new_page()
        page.set_content(hostile, wait_until="commit")
        page.wait_for_timeout(1_500)

    try:
        said = browsing(tmp_path, "page", on_the_page)
        assert server.origin.removeprefix("http://") in said, "the control: the log has what the page did"
        assert [label for label in labels if label in said] == [] and knocks.count == 0
        said = browsing(tmp_path, "control", elsewhere)
        assert sum(label in said for label in labels) >= 4 and knocks.count > 0, "the control: names are looked up and connections made"
    finally:
        server.stop()
