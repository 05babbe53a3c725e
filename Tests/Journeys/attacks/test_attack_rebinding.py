"""Class 1, DNS rebinding: a page of another name reaches the server through a browser. The exact name is the defence (F13)."""

import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from playwright.sync_api import sync_playwright

import raw
from attack_fixtures import house  # noqa: F401 (fixtures are found by name)
from page_fixtures import CHROMIUM

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

FOREIGN = [
    "evil.example", "evil.example:{port}", ":{port}", "", "localhost", "127.0.0.1", "localhost.evil.example", "localhost.evil.example:{port}",
    "127.0.0.1.nip.io:{port}", "x.local:{port}", "x.internal:{port}", "localhost.:{port}", "LOCALHOST", "LOCALHOST:{port}", "[::1]", "[::1]:{port}",
    "[::ffff:127.0.0.1]:{port}", "127.1:{port}", "2130706433:{port}", "0x7f.1:{port}", "0.0.0.0:{port}", "localhost:0{port}", "localhost:{port}@evil.example",
    "evil.example@localhost:{port}", "localhost:{port},evil.example", "localhost:{port}/x", "localhost:{port}#", "localhost:{port}\\", "localhost:80", "cloister",
]
PLACES = [("GET", "/"), ("GET", "/health"), ("GET", "/cloister/v1/node"), ("GET", "/none"), ("POST", "/cloister/v1/open"), ("POST", "/v1/chat/completions"), ("POST", "/api/chat"), ("GET", "/api/tags"), ("OPTIONS", "/health")]


def test_a_foreign_name_is_refused_before_routing(house):
    """Pass: 421 for every place, there or not, and nothing of the place in the answer; the exact names are served."""
    for name, want in [("localhost", 200), ("127.0.0.1", 200)]:
        assert raw.exchange(house.port, raw.request(house.port, host=f"{name}:{house.port}"))[0] == [want], "the control: these are served"
    for host in FOREIGN:
        for method, path in PLACES:
            codes, _, received = raw.exchange(house.port, raw.request(house.port, path, method, host.format(port=house.port)))
            assert codes == [421] and b"go by that name" in received, (host, path, received)


def test_no_other_field_stands_in_for_the_name(house):
    """Pass: what proxies call the first host counts for nothing."""
    own = b"localhost:%d" % house.port
    for line in (b"X-Forwarded-Host: " + own, b"Forwarded: host=" + own, b"X-Host: " + own, b"X-Original-Host: " + own):
        assert raw.exchange(house.port, raw.request(house.port, host="evil.example", more=line + b"\r\n"))[0] == [421]


def test_two_names_none_or_one_in_the_target_are_refused(house):
    """Pass: 400 or 421, never an answer: a server that takes the first of two `Host` lines, or the last, serves a foreign page.

    Where the target itself names a server, `Host` still decides: what stands before the path is dropped before we see it."""
    own, port = b"Host: localhost:%d\r\n" % house.port, house.port
    target = f"http://localhost:{port}/health"
    cases = {
        "none": b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", "none, 1.0": b"GET /health HTTP/1.0\r\n\r\n",
        "foreign first": raw.request(port, host="evil.example", more=own), "foreign last": raw.request(port, more=b"Host: evil.example\r\n"),
        "twice the same": raw.request(port, more=own), "absolute, another Host": raw.request(port, target, host="evil.example"),
        "authority": raw.request(port, f"localhost:{port}"), "star": raw.request(port, "*", "OPTIONS"), "no slash": raw.request(port, "health"),
    }
    for name, data in cases.items():
        codes, _, received = raw.exchange(port, data, 2)
        assert len(codes) == 1 and codes[0] in (400, 421), (name, received)


class Pretender(BaseHTTPRequestHandler):
    """The control: a server that serves whoever asks by whatever name."""

    def do_GET(self):
        self.server.hosts.append(self.headers["Host"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served")

    def log_message(self, *_):
        pass


def test_a_browser_that_was_rebound_gets_nothing(house):
    """F13: Chromium resolves the attacker's name to loopback. Pass: neither the page nor a record nor health; the rebinding itself works."""
    control = HTTPServer(("127.0.0.1", 0), Pretender)
    control.hosts = []
    threading.Thread(target=control.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--host-resolver-rules=MAP attacker.test 127.0.0.1"])
        page = browser.new_page()
        assert page.goto(f"http://attacker.test:{control.server_port}/").status == 200
        assert control.hosts[0] == f"attacker.test:{control.server_port}", "the control: the name was rebound"
        for path in ("/", "/health", "/none"):
            reply = page.goto(f"http://attacker.test:{house.port}{path}")
            assert reply.status == 421 and "Sec-Fetch-Site" not in reply.request.headers
            assert not [name for name in reply.headers if name.startswith(("access-control", "set-cookie"))]
        # The page is the attacker's own origin now, so that nothing but the server's answer stops its script.
        for path, method in (("/cloister/v1/node", "GET"), ("/cloister/v1/open", "POST"), ("/chat", "POST")):
            status = page.evaluate("([path, method]) => fetch(path, {method}).then((r) => r.status)", [path, method])
            assert status == 421, path
        browser.close()
    control.shutdown()
