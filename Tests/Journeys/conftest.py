"""The built binary, driven from outside as a person or a program would. `CLOISTER_BINARY` names it."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

BINARY = os.environ.get("CLOISTER_BINARY", "")
SHARED = Path(os.environ.get("CLOISTER_SHARED", Path(__file__).resolve().parents[3] / "shared"))
PASSPHRASE = "correct horse battery staple"


def pytest_collection_modifyitems(items):
    if not BINARY:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="CLOISTER_BINARY is not set"))


class Home:
    """A scratch home: data directory, client state and temporary files of one test."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="cloister-journey-"))
        self.data = self.root / "data"
        self.temporary = self.root / "tmp"
        self.temporary.mkdir()
        self.passphrase = self.root / "passphrase"
        self.passphrase.write_text(PASSPHRASE + "\n")
        self.processes = []
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("CLOISTER_", "XDG_"))}
        self.environment = keep | {"HOME": str(self.root), "TMPDIR": str(self.temporary)}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://localhost:{self.port}"

    def run(self, *arguments, check=True, **more):
        more = more if "input" in more else {"stdin": subprocess.DEVNULL, **more}
        result = subprocess.run(
            [BINARY, *map(str, arguments)], env=self.environment, text=True, capture_output=True, timeout=120, **more
        )
        assert not check or result.returncode == 0, result.stderr
        return result

    def owner(self, *arguments, **more):
        return self.run(
            *arguments, "--data", self.data, "--owner", "Ada", "--passphrase-file", self.passphrase, **more
        )

    def init(self):
        return self.owner("init", "--recovery-out", self.root / "recovery")

    def key(self, label="test"):
        return self.owner("keys", "create", "--label", label).stdout.split()[-1]

    def serve(self, *arguments, data=None):
        """Starts a server and returns it with the link that it printed."""
        log = open(self.root / "server.log", "ab")
        process = subprocess.Popen(
            [BINARY, "serve", "--data", str(data or self.data), "--port", str(self.port), *map(str, arguments)],
            env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True, restore_signals=False,
        )
        self.processes.append(process)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if link := re.search(r"http://\S+", line):
                process.link = link[0]
                return process
        raise AssertionError(f"the server ended: {lines} {(self.root / 'server.log').read_text()}")

    def stop(self, process):
        process.terminate()
        assert process.wait(20) == 0

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.root, ignore_errors=True)


@pytest.fixture
def home():
    home = Home()
    yield home
    home.close()


@pytest.fixture
def served(home):
    """A server with an owner and an API key."""
    home.init()
    home.token = home.key()
    home.server = home.serve()
    home.headers = {"Authorization": f"Bearer {home.token}"}
    return home
