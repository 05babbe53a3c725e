"""One `cloister serve` of the built binary, on a port and a data directory of its own."""

import os
import pathlib
import re
import select
import socket
import subprocess
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
SHARED = pathlib.Path(os.environ.get("CLOISTER_SHARED", REPOSITORY.parent / "shared"))
STORIES = SHARED / "models" / "stories260K-f32.gguf"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """Starts the binary, reads the link that it prints, and can stop and start it again on the same data."""

    def __init__(self, data, model=None):
        self.data, self.model, self.port = data, model, free_port()
        self.home = data.parent / "home"
        self.origin = f"http://localhost:{self.port}"
        self.start()

    def start(self):
        command = [os.environ["CLOISTER_BINARY"], "serve", "--data", str(self.data), "--port", str(self.port)]
        if self.model:
            command += ["--model", str(self.model)]
        # CLOISTER_BINARY is ours; the program refuses settings that it does not know.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CLOISTER_")}
        environment["HOME"] = str(self.home)  # Whoever runs the tests may have models; these see only their own.
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        self.link = self._link(time.monotonic() + 60)

    def _link(self, deadline):
        printed, output = "", self.process.stdout
        while time.monotonic() < deadline and self.process.poll() is None:
            if not select.select([output], [], [], 0.5)[0]:
                continue
            printed += os.read(output.fileno(), 65536).decode()
            found = re.search(r"http://localhost:\d+/#\S+(?=\s)", printed)
            if found:
                return found.group(0)
        self.stop()
        raise AssertionError(f"the server printed no link: {printed}{self.process.stderr.read().decode()}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
