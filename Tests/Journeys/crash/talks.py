"""Answers that are being read while something breaks: a person's over the sealed channel, a program's over the API."""

import http.client
import json
import threading
import time

import requests

CUT = (OSError, http.client.HTTPException, requests.RequestException)


class Talk:
    """One answer of the model that never ends, read on a thread of its own."""

    def __init__(self, text):
        self.text, self.pieces, self.last, self.problem = text, [], None, None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            for piece in self.receive():
                if text := self.text_of(piece):
                    self.pieces.append(text)
                self.last = piece
        except CUT as problem:
            self.problem = problem

    @property
    def is_over(self):
        return not self.thread.is_alive()

    def ends(self, seconds):
        self.thread.join(seconds)
        return self.is_over

    def wait_for_text(self, count, seconds=30):
        """Waits for so many more pieces of text."""
        wanted, deadline = len(self.pieces) + count, time.monotonic() + seconds
        while len(self.pieces) < wanted:
            assert not self.is_over, f"the answer ended: {self.last} {self.problem}"
            assert time.monotonic() < deadline, "the answer does not go on"
            time.sleep(0.01)


class PersonsTalk(Talk):
    def __init__(self, channel, conversation, text):
        self.channel, self.conversation = channel, conversation
        self.reply = channel.start("conversations.send", {"text": text, "model": "endless"}, conversation)
        super().__init__(text)

    def receive(self):
        yield from self.reply

    def text_of(self, piece):
        return piece.get("text")

    @property
    def error(self):
        """What the last piece complains of, in words; None for an answer that was cut or ended well."""
        return self.last["error"]["message"] if self.last and "error" in self.last else None

    def stop(self):
        if not self.is_over:
            self.channel.ask("conversations.stop", {}, self.conversation)
        assert self.ends(10), "the answer did not stop"


class ProgramsTalk(Talk):
    def __init__(self, url, headers, text):
        body = {"model": "endless", "stream": True, "max_tokens": 4000, "messages": [{"role": "user", "content": text}]}
        self.reply = requests.post(url + "/v1/chat/completions", json=body, headers=headers, stream=True, timeout=30)
        assert self.reply.status_code == 200, self.reply.text
        super().__init__(text)

    def receive(self):
        for line in self.reply.iter_lines():
            if line.startswith(b"data: ") and line != b"data: [DONE]":
                yield json.loads(line[6:])

    def text_of(self, piece):
        return (piece.get("choices") or [{}])[0].get("delta", {}).get("content")

    @property
    def error(self):
        return self.last["error"]["message"] if self.last and "error" in self.last else None

    def stop(self):
        """Goes away; the server notices when it writes."""
        connection = self.reply.raw._connection
        if connection is not None and connection.sock is not None:
            connection.sock.shutdown(2)
        assert self.ends(10), "the answer did not stop"
