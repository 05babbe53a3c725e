"""What the HTTP side refuses (B4, B13, R1, R7)."""

import socket

import pytest
import requests


def test_it_listens_on_loopback_only(served):
    rows = [line.split() for name in ("tcp", "tcp6") for line in open(f"/proc/{served.server.pid}/net/{name}").readlines()[1:]]
    addresses = {row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{served.port:04X}")}
    assert addresses == {f"0100007F:{served.port:04X}"}


@pytest.mark.parametrize("host", ["evil.test", "localhost", "localhost:1", "127.0.0.1.evil.test", "localhost.:{port}", "[::1]:{port}", ""])
def test_only_its_own_names_are_served(served, host):
    """DNS rebinding: the browser sends the attacker's name."""
    for path in ("/", "/health", "/cloister/v1/node", "/v1/models"):
        reply = requests.get(served.url + path, headers=served.headers | {"Host": host.format(port=served.port)})
        assert reply.status_code in (400, 421), (host, path)


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "https://localhost:{port}", "http://localhost", "http://localhost:{port}.evil.test"])
def test_other_origins_are_refused_and_there_is_no_cors(served, origin):
    headers = served.headers | {"Origin": origin.format(port=served.port)}
    for method in ("get", "post", "options"):
        reply = requests.request(method, served.url + "/cloister/v1/node", headers=headers)
        assert reply.status_code in (403, 404)
        assert not [name for name in reply.headers if name.lower().startswith("access-control")]
    assert requests.get(served.url + "/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_every_answer_carries_the_page_policy(served):
    for path in ("/", "/app.js", "/none", "/health"):
        headers = requests.get(served.url + path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "require-trusted-types-for 'script'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
        assert "Server" not in headers


def test_too_much_is_refused(served):
    big = requests.post(served.url + "/cloister/v1/open", data=b"x" * 9000)
    assert big.status_code == 413
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n" % served.port + b"X: " + b"a" * 40_000 + b"\r\n\r\n")
        assert raw.recv(100).split(b" ")[1] in (b"400", b"431")
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(b"\x00\xff garbage\r\n\r\n")
        assert b" 400 " in raw.recv(100)
    assert requests.get(served.url + "/health").status_code == 200


def test_openings_are_limited_per_address(served):
    codes = [requests.post(served.url + "/cloister/v1/open", data=b"x").status_code for _ in range(40)]
    assert codes[0] == 400 and codes[-1] == 429


def test_sealed_routes_refuse_what_is_not_sealed(served):
    """A stolen or invented cookie asks for nothing."""
    url = served.url + "/cloister/v1/cell/conversations"
    assert requests.post(url, data=b"x").status_code == 401
    for cookie in ("0" * 32, "../../x", "zz"):
        assert requests.post(url, data=b"x" * 100, cookies={"cloister-route": cookie}).status_code in (400, 401)
    assert requests.post(served.url + "/cloister/v1/cell/..%2fx", data=b"", cookies={"cloister-route": "0" * 32}).status_code in (400, 401, 404)
