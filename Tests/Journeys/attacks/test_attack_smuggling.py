"""Class 6, request smuggling: bytes that two readers cut into requests at different places."""

import os

import pytest

import raw
from attack_fixtures import house  # noqa: F401 (fixtures are found by name)

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

POST = b"POST /chat HTTP/1.1\r\nHost: HOST\r\n"
GET = b"GET /health HTTP/1.1\r\nHost: HOST\r\n"
END = b"\r\n0\r\n\r\n"

# What each begins is followed by another person's request, which must not be answered.
ATTACKS = {
    "CL.TE": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n" + END, "TE.CL": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n" + END,
    "TE identity last": POST + b"Transfer-Encoding: chunked, identity\r\n" + END, "TE identity first": POST + b"Transfer-Encoding: identity, chunked\r\n" + END,
    "TE gzip first": POST + b"Transfer-Encoding: gzip, chunked\r\n" + END, "TE chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n" + END,
    "TE unknown": POST + b"Transfer-Encoding: xchunked\r\n" + END, "TE identity": POST + b"Transfer-Encoding: identity\r\n" + END,
    "TE.TE": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + END, "TE.TE turned": POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n" + END,
    "TE.TE the same": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + END,
    "TE with a parameter": POST + b"Transfer-Encoding: chunked;a=b\r\n" + END, "TE quoted": POST + b'Transfer-Encoding: "chunked"\r\n' + END,
    "TE blank before colon": POST + b"Transfer-Encoding : chunked\r\n" + END, "TE after vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n" + END,
    "TE folded": POST + b"Transfer-Encoding:\r\n chunked\r\n" + END, "TE empty": POST + b"Transfer-Encoding: \r\n" + END, "TE underscore and CL": POST + b"Transfer-Encoding: chunked\r\nTransfer_Encoding: x\r\nContent-Length: 0\r\n" + END,
    "two CL": POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n", "two CL the same": POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n", "CL list": POST + b"Content-Length: 0, 0\r\n\r\n",
    "CL plus": POST + b"Content-Length: +0\r\n\r\n", "CL minus": POST + b"Content-Length: -1\r\n\r\n", "CL blank inside": POST + b"Content-Length: 0 0\r\n\r\n", "CL hexadecimal": POST + b"Content-Length: 0x0\r\n\r\n",
    "CL empty": POST + b"Content-Length: \r\n\r\n", "CL fraction": POST + b"Content-Length: 0.0\r\n\r\n", "CL above 2^64": POST + b"Content-Length: 18446744073709551616\r\n\r\n",
    "chunk above 2^64": POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n", "chunk minus": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "chunk hexadecimal": POST + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n", "chunk blank": POST + b"Transfer-Encoding: chunked\r\n\r\n0 \r\n\r\n",
    "chunk line feed": POST + b"Transfer-Encoding: chunked\r\n\r\n0\n\n", "chunk extension with line feed": POST + b"Transfer-Encoding: chunked\r\n\r\n0;a\nb\r\n\r\n",
    "chunk without end": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nZZ\r\n0\r\n\r\n", "chunk longer than said": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n",
    "CL in a trailer": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n", "TE in a trailer": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "line feeds": b"GET /health HTTP/1.1\nHost: HOST\n\n", "line feed after a field": GET[:-2] + b"\nX: y\r\n\r\n", "carriage return in a field": GET + b"X: a\rb\r\n\r\n",
    "folded field": GET + b"X: a\r\n b\r\n\r\n", "folded first": b"GET /health HTTP/1.1\r\n X: y\r\nHost: HOST\r\n\r\n", "NUL in a field": GET + b"X: a\0b\r\n\r\n", "NUL in a name": GET + b"X\0: ab\r\n\r\n",
    "blank before colon": GET + b"X : a\r\n\r\n", "no colon": GET + b"X\r\n\r\n", "no name": GET + b": x\r\n\r\n", "control character in the target": b"GET /health\x01 HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "blank in the target": b"GET /health x HTTP/1.1\r\nHost: HOST\r\n\r\n", "version 1.2": b"GET /health HTTP/1.2\r\nHost: HOST\r\n\r\n", "version 0.9": b"GET /health\r\n\r\n", "version 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two Host": GET + b"Host: HOST\r\n\r\n",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_ambiguous_request_gets_400_and_an_end(house, name):
    """Pass: one answer, 400, and the connection is closed; the request behind it is not answered."""
    data = ATTACKS[name].replace(b"HOST", b"localhost:%d" % house.port) + raw.request(house.port, close=False)
    codes, closed, received = raw.exchange(house.port, data, 3)
    assert codes == [400] and closed, received[:2_000]
    assert b"healthy" not in received


def test_two_plain_requests_get_two_answers(house):
    """The control: what follows a request without fault is answered, also behind a body and a chunked body with an extension."""
    host = b"localhost:%d" % house.port
    behind = raw.request(house.port)
    for first in (raw.request(house.port, close=False), POST + b"Content-Length: 2\r\n\r\n{}", POST + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}" + END,
                  POST + b"Transfer-Encoding: Chunked\r\n\r\n2\r\n{}" + END):
        codes, closed, received = raw.exchange(house.port, first.replace(b"HOST", host) + behind)
        assert codes in ([200, 200], [401, 200]) and closed and received.count(b"healthy") >= 1, received


def test_a_body_is_never_read_as_a_request(house):
    """Pass: one answer: a whole request inside of a body, of a GET, or of one that wants another protocol, is not answered."""
    host, inner = b"localhost:%d" % house.port, raw.request(house.port, close=False)
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nUpgrade: "
    cases = [GET + b"Content-Length: %d\r\n\r\n" % len(inner), POST + b"Content-Length: %d\r\n\r\n" % len(inner),
             GET + upgrade + b"h2c\r\n\r\n", GET + upgrade + b"websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
             b"CONNECT localhost:1 HTTP/1.1\r\nHost: HOST\r\n\r\n", POST + b"Content-Length: 9223372036854775808\r\n\r\n", POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"]
    for start in cases:
        codes, _, received = raw.exchange(house.port, start.replace(b"HOST", host) + inner, 0.5)
        assert len(codes) <= 1 and 101 not in codes, received
        assert codes != [200] or received.count(b"healthy") == 1, received


def test_chunks_in_the_old_version_hide_no_request(house):
    """HTTP/1.0 knows no chunks. Pass: whatever is behind is refused, not answered."""
    data = b"POST /chat HTTP/1.0\r\nHost: localhost:%d\r\nTransfer-Encoding: chunked\r\n" % house.port + END + raw.request(house.port)
    codes, closed, received = raw.exchange(house.port, data)
    assert closed and codes[-1] == 400 and b"healthy" not in received, received
