"""A server that two are using at once: a person in a channel of their own, and a program with an API key. What each was told is kept, they remember."""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import requests

for folder in ("", "attacks", "page"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / folder))

import conftest  # noqa: E402
from channel import Channel, Refused, within  # noqa: E402
from page_fixtures import without_end  # noqa: E402
from processes import alive, family, roles  # noqa: E402
from sweeping import canary  # noqa: E402
from talks import PersonsTalk, ProgramsTalk  # noqa: E402

PERSONS_CELL, PROGRAMS_CELL = "the person's cell", "the program's cell"


class House:
    """A home with a server, an owner, a key, the guide for short answers and a model that never ends."""

    def __init__(self, data=None):
        self.home = conftest.Home()
        self.home.data = data or self.home.data
        self.models = Path(tempfile.mkdtemp(prefix="cloister-models-"))  # Apart: the home is searched for phrases again and again.
        without_end(self.models / "endless.gguf")
        self.home.init()
        self.headers = {"Authorization": f"Bearer {self.home.key()}"}
        self.turns = {}    # conversation → what the person was told is kept
        self.messages = {}  # session → what the program was told is kept
        self.secrets = []
        self.start()

    def start(self):
        self.server = self.home.serve("--models", self.models)
        self.channel = self.unlocked()

    def kill(self):
        """Kills the first process, and waits until all have ended: one that had the archive holds its lock to its end."""
        everybody = self.family()
        self.server.kill()
        self.server.wait()
        assert ended(everybody, 5), "a process outlives the server"

    def close(self):
        everybody = self.family()
        self.home.close()
        ended(everybody, 5)
        shutil.rmtree(self.models, ignore_errors=True)

    def unlocked(self):
        """A channel of the owner; openings are limited per minute, so a long matrix waits here now and then."""
        deadline = time.monotonic() + 90
        while True:
            try:
                return Channel(self.home.port, {"passphrase": {"name": "Ada", "passphrase": conftest.PASSPHRASE}})
            except Refused as refusal:
                if refusal.status != 429 or time.monotonic() > deadline:
                    raise
                time.sleep(1)

    # What is said

    def secret(self):
        self.secrets.append(canary())
        return self.secrets[-1]

    def say(self, conversation=None, model="guide"):
        """The person says something and is answered; both turns count as kept."""
        text, conversation = self.secret(), conversation or self.channel.ask("conversations.create", {"offRecord": False})["id"]
        done = self.channel.ask("conversations.send", {"text": text, "model": model}, conversation)
        assert done["done"]["reason"] in ("stop", "length"), done
        self.turns.setdefault(conversation, []).append(text)
        return conversation

    def call(self, session):
        """The program says something to be kept, and is answered."""
        text = self.secret()
        reply = requests.post(self.home.url + "/chat", json={"message": text, "session_id": session}, headers=self.headers, timeout=30)
        assert reply.status_code == 200, reply.text
        self.messages.setdefault(session, []).append(text)

    def persons_talk(self, conversation):
        talk = PersonsTalk(self.channel, conversation, self.secret())
        talk.wait_for_text(2)
        self.turns.setdefault(conversation, []).append(talk.text)
        return talk

    def programs_talk(self):
        talk = ProgramsTalk(self.home.url, self.headers, self.secret())
        talk.wait_for_text(2)
        return talk

    # What must be there

    def lost(self, conversations=None, sessions=None):
        """What somebody was told is kept and is not there."""
        missing = []
        for conversation in conversations or self.turns:
            said = [turn["text"] for turn in self.channel.ask("conversations.read", {}, conversation)["turns"] if turn["role"] == "user"]
            missing += [text for text in self.turns.get(conversation, []) if text not in said]
        for session in sessions or self.messages:
            reply = requests.get(f"{self.home.url}/history/{session}", headers=self.headers, timeout=30)
            assert reply.status_code == 200, reply.text
            said = [message["content"] for message in reply.json()["history"]]
            missing += [text for text in self.messages.get(session, []) if text not in said]
        return missing

    # Who runs

    def roles(self):
        """What can be hit: the first process, each role that has processes, and whose cell."""
        found = roles(self.server)
        return ["supervisor", PERSONS_CELL, PROGRAMS_CELL, *sorted(set(found) - {"cell"})]

    def process(self, role):
        """The process that a role means while both are being answered; None if there is none at the moment."""
        if role == "supervisor":
            return self.server.pid
        found = roles(self.server)
        if role in (PERSONS_CELL, PROGRAMS_CELL):
            persons = next(one["process"] for one in self.channel.ask("evidence")["confined"] if one["role"] == "cell")
            others = [cell for cell in found["cell"] if cell != persons]
            return persons if role == PERSONS_CELL else max(others, key=sockets)  # The spare one has fewer.
        return busiest(found.get(role, []))

    def family(self):
        return family(self.server.pid)

    def answers(self, seconds=5):
        """Whether the server answers within so many seconds, a person and a program: two processes."""
        def answered():
            try:
                return all(requests.get(self.home.url + path, timeout=1).status_code == 200 for path in ("/cloister/v1/node", "/health"))
            except requests.RequestException:
                return False
        return within(seconds, answered) is not None


def sockets(process):
    return sum(os.readlink(entry).startswith("socket:") for entry in Path(f"/proc/{process}/fd").iterdir())


def worked(process):
    """Processor time, ticks."""
    return sum(map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]))


def busiest(processes):
    """The process that works at the moment."""
    before = {process: worked(process) for process in processes}
    time.sleep(0.1 if len(processes) > 1 else 0)
    return max(processes, key=lambda process: worked(process) - before[process], default=None)


def ended(processes, seconds):
    """Whether all of them end within so many seconds; zombies have."""
    return within(seconds, lambda: not any(map(alive, processes))) is not None
