"""HTTP by hand: bytes out, responses in, exactly as they are on the wire."""

import re
import socket
import time

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n")


class Wire:
    """One connection to a server on loopback."""

    def __init__(self, port, timeout=5, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Sends what the server still takes; one that has closed already is no error here."""
        try:
            self.socket.sendall(data)
        except OSError:
            pass
        return self

    def until_end(self, seconds=5):
        """Everything that comes, and whether the server closed the connection within that time."""
        received, deadline = b"", time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(65_536)
            except TimeoutError:
                break
            except OSError:
                return received, True
            if not piece:
                return received, True
            received += piece
        return received, False


def statuses(received):
    """The status codes of the responses in what was received."""
    return [int(code) for code in STATUS.findall(received)]


def exchange(port, data, seconds=5):
    """Sends bytes on a connection of their own: the responses' status codes, whether it was closed, and all bytes."""
    with Wire(port) as wire:
        received, closed = wire.send(data).until_end(seconds)
        return statuses(received), closed, received


def request(port, path="/health", method="GET", host=None, more=b"", body=b"", close=True):
    """A well-formed request; `more` are whole header lines."""
    host = f"localhost:{port}" if host is None else host
    length = b"Content-Length: %d\r\n" % len(body) if body or method == "POST" else b""
    end = b"Connection: close\r\n" if close else b""
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n".encode() + more + length + end + b"\r\n" + body
