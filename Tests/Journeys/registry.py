"""A registry of both shapes on loopback, that behaves, or misbehaves, as a test wants."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONTENT = (Path(__file__).resolve().parents[2] / "Sources/CGuide/guide.gguf").read_bytes()
MODEL_LAYER = "application/vnd.ollama.image.model"
HUB, FILE, OLLAMA = "hub:org/repository", "hub:org/repository/tiny-Q4_K_M.gguf", "ollama:tiny:1b"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status=200, body=b"", **headers):
        self.send_response(status)
        headers = {"Content-Length": len(body)} | {k.replace("_", "-"): v for k, v in headers.items()}
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        registry = self.server.registry
        registry.requests.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        try:
            if registry.anything:
                registry.anything(self)
            elif "/manifests/" in self.path:
                registry.manifest(self)
            elif self.path.startswith("/api/models/"):
                registry.listing(self)
            elif self.command == "HEAD" or (registry.files and "/files/" not in self.path):
                registry.announcement(self)
            else:
                registry.blob(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that leaves is no news here."""


class Registry:
    """Attributes are what it says and does; a test replaces those that it is about."""

    def __init__(self, content=CONTENT):
        self.content = content
        self.digest = hashlib.sha256(content).hexdigest()
        self.size = len(content)
        self.tag = '"one"'
        self.files = None  # where it sends on to for the content
        self.paths = ["README.md", "tiny-Q4_K_M.gguf", "tiny-Q8_0.gguf"]
        self.anything = None
        self.requests = []
        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.registry = self
        self.port = self.server.server_address[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def setting(self):
        on = f"+{self.files}" if self.files else ""
        return f"hub={self.origin}{on},ollama={self.origin}{on}"

    def manifest(self, handler):
        layers = [{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "0" * 64, "size": 3},
                  {"mediaType": MODEL_LAYER, "digest": f"sha256:{self.digest}", "size": self.size}]
        handler.reply(body=json.dumps({"schemaVersion": 2, "layers": layers}).encode(), Content_Type="application/json")

    def listing(self, handler):
        entries = [{"type": "file", "path": p, "size": self.size, "lfs": {"oid": self.digest, "size": self.size}} for p in self.paths]
        handler.reply(body=json.dumps([{"type": "directory", "path": "x"}, *entries]).encode(), Content_Type="application/json")

    def announcement(self, handler):
        """The head of a hub's file: what it is, and where it lies."""
        if self.files:
            handler.reply(302, Location=f"{self.files}/files/x%2Fy?sign=a%2Bb~c", X_Linked_Etag=f'"{self.digest}"', X_Linked_Size=self.size)
        else:
            handler.reply(Content_Length=self.size, ETag=f'"{self.digest}"')

    def blob(self, handler):
        start = self.start(handler)
        rest = self.content[start:]
        if start:
            handler.reply(206, rest, ETag=self.tag, Content_Range=f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        else:
            handler.reply(200, rest, ETag=self.tag)

    def start(self, handler):
        """Where a request wants to begin, if what it has is still of this file."""
        wanted, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        return int(wanted[6:-1]) if wanted and condition in (None, self.tag) else 0

    def cut(self, count):
        """Sends a part of the content, and then nothing, as a line does that breaks."""
        def blob(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(self.content)))
            handler.send_header("ETag", self.tag)
            handler.end_headers()
            handler.wfile.write(self.content[:count])
            handler.wfile.flush()
            handler.connection.shutdown(2)
            handler.close_connection = True
        return blob

    def chunked(self, pieces):
        """Sends pieces with no length in advance."""
        def blob(handler):
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for piece in pieces:
                handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            handler.wfile.write(b"0\r\n\r\n")
        return blob
