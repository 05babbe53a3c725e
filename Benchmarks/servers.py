"""Two servers on loopback that stream completions, our own and `llama-server`, and a client that notes when each piece came."""

import http.client
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

PASSPHRASE = "correct horse battery staple"


def family(process):
    """A process and all that it started, they too."""
    above = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                above[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # It has ended meanwhile.
    found = [process]
    for parent in found:
        found += [child for child, its in above.items() if its == parent]
    return found


def resident(process):
    """Bytes of a family of processes in memory, mapped files included; what they share counts once."""
    rollups = (Path(f"/proc/{member}/smaps_rollup").read_text() for member in family(process))
    return sum(int(line.split()[1]) for text in rollups for line in text.splitlines() if line.startswith("Pss:")) * 1024


class Server:
    """One that listens on a free port of loopback; what differs is how it is started and what a request carries."""

    environment, headers = None, {"Content-Type": "application/json"}

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def launch(self, command):
        self.process = subprocess.Popen(list(map(str, command)), env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @contextmanager
    def running(self, *arguments):
        """Stopped at the end, also when something fails."""
        self.start(*arguments)
        try:
            yield
        finally:
            self.stop()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def open(self, path, body, patience=60):
        """The reply to a request, however long the server takes to start."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
            try:
                connection.request("POST", path, json.dumps(body), self.headers)
                reply = connection.getresponse()
                if reply.status == 200:
                    return connection, reply
                assert reply.status == 503, reply.read()  # llama-server reads the model while it listens.
            except ConnectionRefusedError:
                assert self.process.poll() is None, "the server ended"
            connection.close()
            time.sleep(0.002)
        raise AssertionError("the server does not answer")


class Cloister(Server):
    """Ours, with an owner and an API key of its own in a temporary folder."""

    def __init__(self, binary):
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        root = Path(self.home.name)
        (root / "passphrase").write_text(PASSPHRASE + "\n")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOISTER_", "XDG_"))}
        self.environment = kept | {"HOME": str(root), "XDG_DATA_HOME": str(root / "share")}
        self.binary, self.data = binary, root / "data"
        self.owner("init", "--recovery-out", root / "recovery")
        key = self.owner("keys", "create", "--label", "benchmark").split()[-1]
        self.headers = self.headers | {"Authorization": f"Bearer {key}"}

    def owner(self, *arguments):
        command = [self.binary, *arguments, "--data", self.data, "--owner", "Ada", "--passphrase-file", self.data.parent / "passphrase"]
        return subprocess.run(list(map(str, command)), env=self.environment, check=True, capture_output=True, text=True).stdout

    def start(self, model, threads, context=None, parallel=1):
        command = [self.binary, "serve", "--data", self.data, "--port", self.port, "--threads", threads]
        self.launch(command + (["--model", model] if model else []) + (["--context", context] if context else []))


class LlamaServer(Server):
    """The peer, with its defaults but for `flags`; its context is shared out among its places."""

    def __init__(self, folder, flags=()):
        super().__init__()
        self.folder, self.flags = Path(folder), flags

    def start(self, model, threads, context, parallel=1):
        self.launch([self.folder / "llama-server", "--model", model, "--port", self.port, "--host", "127.0.0.1", "--threads", threads,
                     "--ctx-size", context * parallel, "--parallel", parallel, *self.flags])


class Completion(threading.Thread):
    """A streamed completion, read while it comes."""

    def __init__(self, server, prompt, tokens, **more):
        super().__init__(daemon=True)
        self.server, self.pieces, self.text, self.usage, self.isWanted = server, [], "", {}, True
        self.body = {"model": "default", "prompt": prompt, "max_tokens": tokens, "temperature": 0, "stream": True,
                     "stream_options": {"include_usage": True}, "ignore_eos": True} | more
        self.begin = time.monotonic()
        self.start()

    def run(self):
        connection, reply = self.server.open("/v1/completions", self.body)
        for line in reply:
            if line.startswith(b"data: {"):
                self.take(json.loads(line[6:]))
            if not self.isWanted:
                break
        connection.close()

    def take(self, event):
        self.usage = event.get("usage") or self.usage
        text = "".join(choice.get("text") or "" for choice in event.get("choices", []))
        if text:
            self.pieces.append(time.monotonic())
            self.text += text

    def wait(self):
        self.join()
        assert self.pieces and self.usage.get("completion_tokens"), f"no answer: {self.usage}"
        return self

    def wait_for(self, pieces):
        while len(self.pieces) < pieces:
            assert self.is_alive(), "no answer"
            time.sleep(0.001)

    def cancel(self):
        self.isWanted = False
        self.join()

    @property
    def first(self):
        """Seconds from asking to the first text."""
        return self.pieces[0] - self.begin

    @property
    def took(self):
        """Seconds from asking to the last text."""
        return self.pieces[-1] - self.begin

    @property
    def rate(self):
        """Tokens a second after the first text."""
        return (self.usage["completion_tokens"] - 1) / (self.pieces[-1] - self.pieces[0])
