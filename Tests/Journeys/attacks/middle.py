"""A malicious gateway: stands where the gateway stands for the command line, sees every byte, and changes what it likes."""

import base64
import http.client
import http.server
import os
import socket
import socketserver
import threading


class Local(http.client.HTTPConnection):
    """HTTP over the server's own socket."""

    def __init__(self, path):
        super().__init__("cloister", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class Middle:
    """Takes the socket's place; `change(kind, body, headers)` says what becomes of each answer.

    kind is `node`, `open` or an action. What is asked and answered is kept in `seen`, as (kind, path, headers, request, status, answer).
    """

    def __init__(self, data):
        self.place, self.real = data / "cloister.sock", data / "real.sock"
        os.rename(self.place, self.real)
        self.seen, self.change = [], lambda kind, body: body
        middle = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                request = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name: value for name, value in self.headers.items() if name != "Connection"}
                status, kind, answer = middle.ask(self.command, self.path, headers, request)
                changed = middle.change(kind, answer) if status == 200 else answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(changed)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(changed)
                self.close_connection = True

            do_GET = do_POST = handle_one

            def log_message(self, *arguments):
                pass

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Server(str(self.place), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ask(self, method, path, headers, request):
        """Asks the real one."""
        connection = Local(self.real)
        connection.request(method, path, request, headers)
        reply = connection.getresponse()
        answer = reply.read()
        kind = path.split("/")[4] if path.startswith("/cloister/v1/cell/") else path.rsplit("/", 1)[1]
        self.seen.append((kind, method, path, headers, request, reply.status, answer))
        return reply.status, kind, answer

    def again(self, kind):
        """Asks the last request of a kind once more, byte for byte, cookie included."""
        _, method, path, headers, request, _, _ = next(entry for entry in reversed(self.seen) if entry[0] == kind)
        return self.ask(method, path, headers, request)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def pieces(answer):
    """The sealed pieces of an event stream."""
    return [base64.urlsafe_b64decode(line[6:] + b"==") for line in answer.split(b"\n") if line.startswith(b"data: ")]


def events(pieces):
    """The event stream of sealed pieces."""
    return b"".join(b"data: " + base64.urlsafe_b64encode(piece).rstrip(b"=") + b"\n\n" for piece in pieces)
