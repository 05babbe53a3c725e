"""What the journeys beyond loopback share: a server with TLS on 127.0.0.2, `cloister connect`, a recording proxy."""

import os
import re
import select
import signal
import socket
import ssl
import subprocess
import threading

import pytest

import conftest
from conftest import BINARY

ADDRESS, NAME = "127.0.0.2", "cloister.test"


def free_port(address=ADDRESS):
    with socket.socket() as free:
        free.bind((address, 0))
        return free.getsockname()[1]


class Beyond:
    """A home whose server can be reached at 127.0.0.2 by two names."""

    def __init__(self, home, *more):
        self.home, self.port, self.more = home, free_port(), more
        self.url, self.named = f"https://{ADDRESS}:{self.port}", f"https://{NAME}:{self.port}"
        self.authority = str(home.data / "authority.pem")
        self.arguments = ("--host", ADDRESS, "--tls-port", self.port, "--names", f"{NAME},{ADDRESS}", *more)

    def start(self):
        self.server = self.home.serve(*self.arguments)
        self.lines = []
        for line in self.server.stdout:
            self.lines.append(line)
            if line.startswith("  link "):
                break
        self.link = self.lines[-1].split()[1]
        self.node = re.search("node=(.*)", self.link)[1]
        return self

    def context(self, *protocols):
        """A client's TLS that trusts this server's authority and no other."""
        context = ssl.create_default_context(cafile=self.authority)
        context.set_alpn_protocols(list(protocols))
        return context

    def wire(self, *protocols, name=NAME):
        plain = socket.create_connection((ADDRESS, self.port), timeout=10)
        return self.context(*protocols).wrap_socket(plain, server_hostname=name)

    def wire_to(self, address):
        """The same to another address that stands on its list."""
        plain = socket.create_connection((address, self.port), timeout=10)
        return self.context("http/1.1").wrap_socket(plain, server_hostname=address)

    def exchange(self, path="/", method="GET", host=None, more="", body=b"", name=NAME):
        """One request of HTTP/1.1 over TLS: status, head and body."""
        host = host or f"{NAME}:{self.port}"
        with self.wire("http/1.1", name=name) as wire:
            wire.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n".encode() + body)
            received = b"".join(iter(lambda: wire.recv(65536), b""))
        head, _, rest = received.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), rest


class Connected:
    """`cloister connect` as a user of another machine runs it: a home of its own, and nothing of the server's but what was told."""

    def __init__(self, root, url, *arguments, state="user", environment=None):
        (root / state).mkdir(exist_ok=True)
        self.port = free_port("127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port}"
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("CLOISTER_", "XDG_"))}
        self.process = subprocess.Popen(
            [BINARY, "connect", url, "--port", str(self.port), *map(str, arguments)],
            env=keep | {"HOME": str(root / state)} | (environment or {}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, restore_signals=False)
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            if "API key" in line:
                return
        self.error = self.process.stderr.read()
        assert self.process.wait(10) == 1, self.error

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                assert self.process.wait(10) == 0
            finally:
                if self.process.poll() is None:
                    self.process.kill()
                    self.process.wait()


class Recorder:
    """Stands between a client and a server and keeps every byte of both directions.

    With TLS contexts it is the man in the middle who has the server's own key: it sees what TLS carried.
    """

    def __init__(self, to, address=(ADDRESS, 0), inner=None, outer=None):
        self.to, self.inner, self.outer = to, inner, outer
        self.bytes, self.connections = bytearray(), 0
        self.listener = socket.create_server(address)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(near,), daemon=True).start()

    def serve(self, near):
        try:
            far = socket.create_connection((ADDRESS, self.to))
            if self.inner:
                near = self.inner.wrap_socket(near, server_side=True)
                far = self.outer.wrap_socket(far, server_hostname=NAME)
        except OSError:
            return near.close()
        self.connections += 1
        self.relay(near, far)

    def relay(self, near, far):
        """Both directions on one thread: a TLS socket is not for two."""
        other = {near: far, far: near}
        try:
            while True:
                ready = [wire for wire in other if self.inner and wire.pending()] or select.select(list(other), [], [])[0]
                for wire in ready:
                    piece = wire.recv(65536)
                    if not piece:
                        return
                    self.bytes += piece
                    other[wire].sendall(piece)
        except OSError:
            return
        finally:
            near.close()
            far.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture(scope="module")
def beyond():
    """One server for all tests of a file, with an owner and a key."""
    home = conftest.Home()
    try:
        home.init()
        home.token = home.key()
        yield Beyond(home).start()
    finally:
        home.close()
