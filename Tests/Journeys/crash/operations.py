"""What a person asks of a server that is written to disk, and what is there afterwards: as before, in full, or at a step that the person was told of."""

from house import Refused, conftest


class Operation:
    """One thing to do. `arrange` prepares, `act` does it, `place` tells how far it got: 0 as before, the last of `steps` in full."""

    steps = ("before", "after")
    is_slow = False

    def __init__(self, house):
        self.house = house
        self.arrange()

    def ask(self, action, content=None, target=None):
        return self.house.channel.ask(action, content or {}, *([target] if target else []))

    def arrange(self):
        pass

    def finish(self):
        """Takes away what would be too much after many trials."""

    def told(self):
        """The least step that the person was told of while it went on."""
        return 0


class CreatesAConversation(Operation):
    def arrange(self):
        self.before = self.list()

    def list(self):
        found = self.ask("conversations")["conversations"]
        assert not any(one["damaged"] for one in found), "a conversation is damaged"
        return {one["id"] for one in found}

    def act(self):
        self.ask("conversations.create", {"offRecord": False})

    def place(self):
        new = self.list() - self.before
        assert self.before <= self.list() and len(new) <= 1
        return len(new)


class OfAConversation(Operation):
    def arrange(self):
        self.id = self.ask("conversations.create", {"offRecord": False})["id"]
        self.text = self.house.secret()

    def read(self):
        return self.ask("conversations.read", {}, self.id)


class StoresATurn(OfAConversation):
    steps = ("before", "the question", "the answer")

    def arrange(self):
        super().arrange()
        self.pieces = []

    def act(self):
        for piece in self.house.channel.start("conversations.send", {"text": self.text, "model": "guide"}, self.id):
            self.pieces.append(piece)
        if "error" in self.pieces[-1]:
            raise Refused(None, self.pieces[-1]["error"])

    def told(self):
        return int(any("started" in piece for piece in self.pieces))

    def place(self):
        turns = self.read()["turns"]
        assert [turn["role"] for turn in turns] == ["user", "assistant"][:len(turns)] and all(turn["text"] == self.text for turn in turns[:1])
        return len(turns)


class Renames(OfAConversation):
    def act(self):
        self.ask("conversations.change", {"title": self.text}, self.id)

    def place(self):
        title = self.read()["title"]
        assert title in ("", self.text), "a title that nobody gave"
        return int(title == self.text)


class Imports(OfAConversation):
    def arrange(self):
        self.text = self.house.secret()
        self.turns = [{"role": role, "text": self.text, "time": "2026-01-01T00:00:00Z"} for role in ("user", "assistant") * 3]

    def act(self):
        self.ask("conversations.import", {"title": self.text, "turns": self.turns})

    def place(self):
        titled = [one for one in self.ask("conversations")["conversations"] if one["title"] == self.text]
        assert len(titled) <= 1
        if titled:
            read = self.ask("conversations.read", {}, titled[0]["id"])["turns"]
            assert len(read) == len(self.turns), f"{len(read)} of {len(self.turns)} imported turns"
        return len(titled)


class Deletes(OfAConversation):
    def arrange(self):
        super().arrange()
        self.house.say(self.id)
        self.house.turns.pop(self.id)

    def act(self):
        self.ask("conversations.delete", {}, self.id)

    def place(self):
        there = [one["id"] for one in self.ask("conversations")["conversations"]]
        if self.id in there:
            assert len(self.read()["turns"]) == 2, "half of a conversation"
        return int(self.id not in there)


class ChangesSettings(Operation):
    def arrange(self):
        self.before = self.ask("settings")["idleMinutes"]
        self.after = 17 + self.before % 100

    def act(self):
        self.ask("settings", {"idleMinutes": self.after})

    def place(self):
        now = self.ask("settings")["idleMinutes"]
        assert now in (self.before, self.after)
        return int(now == self.after)


class CreatesAKey(Operation):
    def arrange(self):
        self.label = self.house.secret()

    def act(self):
        self.ask("keys.create", {"label": self.label})

    def own(self):
        return [key["id"] for key in self.ask("keys")["keys"] if key["label"] == self.label]

    def place(self):
        return len(self.own())

    def finish(self):
        for key in self.own():
            self.ask("keys.revoke", {}, key)


class RenewsKeys(CreatesAKey):
    """A key made before is revoked with the old root key; conversations are all there before, between and after.

    The key is made anew only when it is gone: a vault remembers the scopes of those that were revoked.
    """

    is_slow = True

    def arrange(self):
        self.label = "to be revoked"
        if not self.own():
            super().act()
        if not self.house.turns:
            self.house.say()

    def act(self):
        self.ask("rekey", {"current": conftest.PASSPHRASE})

    def place(self):
        return 1 - super().place()

    def finish(self):
        pass


# Keys first: sealing everything anew takes longer the more there is.
ONLINE = [RenewsKeys, CreatesAConversation, StoresATurn, Renames, Imports, Deletes, ChangesSettings, CreatesAKey]

