"""Class 2, requests from a page of another origin: raw, and from a real Chromium on another loopback port, which is the same site for cookies."""

import hashlib
import os
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from playwright.sync_api import sync_playwright

import raw
from attack_fixtures import house, owner  # noqa: F401 (fixtures are found by name)
from page_fixtures import CHROMIUM

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

ROUTES = ["/chat", "/v1/chat/completions", "/v1/completions", "/api/chat", "/api/generate", "/api/show", "/cloister/v1/open", "/cloister/v1/cell/lock", "/cloister/v1/cell/conversations.delete/" + "0" * 32]
READS = ["/", "/app.js", "/health", "/cloister/v1/node", "/v1/models", "/v1/models/guide", "/api/tags", "/api/version", "/history/s", "/none"]
TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "", "text/plain; application/json"]
ORIGINS = ["http://evil.example", "null", "http://localhost:{port}.evil", "http://localhost", "https://localhost:{port}", "http://localhost:{port}/", "http://LOCALHOST:{port}",
           "http://127.0.0.1:1", "http://[::1]:{port}", "file://", "http://localhost:{port} http://evil.example", ""]


def stored(home):
    """A digest of every row that is stored."""
    with sqlite3.connect(f"file:{home.data}/archive/archive.sqlite?mode=ro", uri=True) as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table' order by name")]
        return hashlib.sha256(repr([database.execute(f"select * from {table}").fetchall() for table in tables]).encode()).hexdigest()


def test_every_changing_route_refuses_another_origin(house):
    """Pass: 403 for each route, form type and origin, with cookie and key; nothing reflected, no CORS, nothing stored. The control: without an origin, or with the own one, something is."""
    channel, before = owner(house), stored(house)
    headers = house.headers | {"Cookie": f"cloister-route={channel.route}"}
    for route in ROUTES:
        for kind in TYPES:
            for origin in ORIGINS:
                sent = headers | {"Origin": origin.format(port=house.port)} | ({"Content-Type": kind} if kind else {})
                reply = requests.post(house.url + route, data=b'{"message": "x", "session_id": "s"}', headers=sent)
                assert reply.status_code == 403, (route, kind, origin)
                assert not [name for name in reply.headers if name.lower().startswith("access-control")] and "Set-Cookie" not in reply.headers
                assert "evil" not in reply.text and "evil" not in str(reply.headers)
    for route in READS:
        assert requests.get(house.url + route, headers=headers | {"Origin": "http://evil.example"}).status_code == 403
    assert stored(house) == before and channel.ask("settings")["name"] == "Ada"
    for origin in ({}, {"Origin": house.url}):
        assert requests.post(house.url + "/chat", json={"message": "x", "session_id": "s"}, headers=house.headers | origin).status_code == 200
    assert stored(house) != before, "the control: what is stored is seen"


def test_what_the_browser_says_of_the_site_is_believed(house):
    """Pass: 403 for each Sec-Fetch-Site but that of the own page and of a typed address."""
    for site, code in (("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 200), ("SAME-ORIGIN", 403), ("", 403)):
        assert requests.get(house.url + "/health", headers={"Sec-Fetch-Site": site}).status_code == code, site


def test_a_preflight_allows_nothing(house):
    """Pass: no Access-Control field on any route, so that a browser does not send what it asked for."""
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type", "Access-Control-Request-Private-Network": "true"}
    for route in ROUTES + READS:
        for origin in ("http://evil.example", "null", house.url):
            reply = requests.options(house.url + route, headers=ask | {"Origin": origin})
            assert reply.status_code in (403, 404, 405)
            assert not [name for name in reply.headers if name.lower().startswith("access-control")]


def test_reading_changes_nothing(house):
    """Pass: no GET or HEAD of any route, as a stranger or with a cookie alone, leaves a trace in what is stored."""
    channel = owner(house)
    before = stored(house)
    for route in READS + ROUTES:
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"):
            for cookie in (b"", f"Cookie: cloister-route={channel.route}\r\n".encode()):
                codes, _, received = raw.exchange(house.port, raw.request(house.port, route, method, more=cookie))
                assert codes[0] in (200, 401, 404, 405) and (method in ("GET", "HEAD") or codes != [200]), (method, route)
                assert b"cloister-route" not in received, "TRACE gives back what was sent"
    assert stored(house) == before and channel.ask("settings")


def test_a_token_counts_in_one_place_only(house):
    """Class 3. Pass: a key in the address, in a cookie or in a body opens nothing; the control: in its field it does."""
    token = house.token
    assert requests.get(house.url + "/v1/models", headers=house.headers).status_code == 200
    for name in ("key", "token", "api_key", "access_token", "authorization"):
        assert requests.get(f"{house.url}/v1/models?{name}={token}").status_code == 401
        assert requests.get(house.url + "/v1/models", cookies={name: token}).status_code == 401
        assert requests.post(house.url + "/chat", json={"message": "x", name: token}).status_code == 401
    assert requests.get(house.url.replace("//", f"//x:{token}@") + "/v1/models").status_code == 401


ATTACK = """async (target) => {
    const tried = [];
    const form = (path, kind, method = "POST") => {
        const frame = document.createElement("iframe"), node = document.createElement("form");
        frame.name = "f" + Math.random();
        Object.assign(node, { method, action: target + path, enctype: kind, target: frame.name });
        const field = Object.assign(document.createElement("input"), { name: '{"message": "', value: '", "x": 1}' });
        node.append(field);
        document.body.append(frame, node);
        node.submit();
    };
    for (const path of ROUTES) for (const kind of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) form(path, kind);
    for (const path of READS) form(path, "text/plain", "GET");
    const attempt = async (name, run) => { try { tried.push([name, await run()]); } catch (error) { tried.push([name, "failed"]); } };
    for (const path of [...ROUTES, ...READS]) {
        const method = ROUTES.includes(path) ? "POST" : "GET";
        const body = method === "POST" ? '{"message": "x"}' : undefined;
        await attempt(path + " opaque", async () => (await fetch(target + path, { method, body, mode: "no-cors", credentials: "include" })).type);
        await attempt(path + " read", async () => (await fetch(target + path, { method, body, mode: "cors", credentials: "include" })).status);
        await attempt(path + " preflight", async () => (await fetch(target + path, { method, body, headers: { "content-type": "application/json", authorization: "Bearer x" } })).status);
        navigator.sendBeacon(target + path, "x");
        for (const tag of ["img", "script", "iframe", "embed"]) document.body.append(Object.assign(document.createElement(tag), { src: target + path }));
        document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: target + path }));
    }
    new EventSource(target + "/cloister/v1/node", { withCredentials: true });
    await attempt("socket", () => new Promise((done, failed) => {
        const socket = new WebSocket(target.replace("http", "ws") + "/cloister/v1/cell/models");
        socket.onopen = () => done("opened");
        socket.onerror = () => failed();
    }));
    await new Promise((done) => setTimeout(done, 800));
    return { tried, names: [...document.querySelectorAll("iframe")].map((frame) => { try { return frame.contentDocument?.title ?? null; } catch { return null; } }) };
}""".replace("ROUTES", str(ROUTES)).replace("READS", str(READS))


class Site(BaseHTTPRequestHandler):
    """The attacker's site; as the control, also a server that takes what comes from anywhere."""

    def answer(self):
        self.server.heard.append((self.command, self.path, self.headers.get("Cookie")))
        if length := int(self.headers.get("Content-Length") or 0):
            self.rfile.read(length)
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
        self.send_header("Access-Control-Allow-Credentials", "true")
        self.send_header("Access-Control-Allow-Headers", "content-type, authorization")
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_OPTIONS = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    listener.heard = []
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield listener
    listener.shutdown()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_page_of_another_origin_gets_nothing_in_a_browser(house, site, name):
    """Forms, fetch, beacons, frames, scripts, event streams and sockets, with the person's cookie. Pass: the server answers each 403, and nothing is stored or readable.

    From `localhost` the page is of the same site, so the strict cookie is sent along. The control: a careless server on another port is reached by each of these ways.
    """
    channel, before, seen = owner(house), stored(house), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context()
        context.add_cookies([{"name": "cloister-route", "value": channel.route, "domain": "localhost", "path": "/", "sameSite": "Strict", "httpOnly": True}])
        page = context.new_page()
        page.on("response", lambda reply: seen.append((reply.request.method, reply.url, reply.status)))
        page.goto(f"http://{name}:{site.server_port}/")
        site.heard.clear()
        control = page.evaluate(ATTACK, f"http://localhost:{site.server_port}" if name == "127.0.0.1" else f"http://127.0.0.1:{site.server_port}")
        assert {path for _, path, _ in site.heard if path.split("?")[0] in ROUTES} == set(ROUTES) and sum(value in (200, "opaque") for _, value in control["tried"]) > 20
        seen.clear()
        page.goto(f"http://{name}:{site.server_port}/")
        result = page.evaluate(ATTACK, house.url)
        browser.close()
    ours = [(method, url, status) for method, url, status in seen if url.startswith(house.url)]
    assert {url.removeprefix(house.url).split("?")[0] for _, url, _ in ours} >= set(ROUTES), "each route was reached"
    assert {status for _, _, status in ours} == {403}, [entry for entry in ours if entry[2] != 403]
    assert all(value in ("failed", "opaque") for _, value in result["tried"]), result["tried"]
    assert ["socket", "failed"] in result["tried"] and not [title for title in result["names"] if title]
    assert stored(house) == before and channel.ask("settings")["name"] == "Ada", "the session is as it was"
