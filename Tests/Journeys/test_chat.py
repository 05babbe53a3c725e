"""`cloister chat` in a terminal of its own and in pipes."""

import os
import pty
import re
import select
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "page"))
from page_fixtures import without_end


class Screen:
    """A program in a terminal: what it shows, and what is typed."""

    def __init__(self, command, environment):
        self.shown = ""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execve(command[0], command, environment)

    def wait(self, pattern, seconds=30):
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.shown, re.S)):
            assert time.monotonic() < deadline, f"{pattern!r} did not appear in {self.shown!r}"
            if select.select([self.terminal], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self.terminal, 65_536).decode(errors="replace")
                except OSError:
                    assert re.search(pattern, self.shown, re.S), f"{pattern!r} did not appear in {self.shown!r}"
        self.shown = self.shown[found.end():]
        return found

    def type(self, text):
        os.write(self.terminal, text.encode())

    def end(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


@pytest.fixture
def chat(home):
    home.init()

    def start(*arguments):
        command = [os.environ["CLOISTER_BINARY"], "chat", "--data", str(home.data), "--owner", "Ada", "--passphrase-file", str(home.passphrase), *map(str, arguments)]
        return Screen(command, {**home.environment, "TERM": "xterm"})

    return start


def test_a_conversation_with_commands_memory_and_editing(chat):
    screen = chat()
    screen.wait("› ")
    screen.type("What is Cloistre\x7f\x7fer?\r")
    screen.wait("Cloister is a private AI.*\n.*› ")
    screen.type("/model\r")
    screen.wait(r"\* guide .*in memory.*› ")
    screen.type("/again\r")
    screen.wait("Cloister is a private AI.*› ")
    screen.type("/system Answer in one word.\r")
    screen.wait("› ")
    screen.type("/nonsense\r")
    screen.wait("there is no /nonsense")
    screen.type("/new\r")
    screen.wait("› ")
    screen.type("\x1b[A" * 6 + "\r")
    screen.wait("Cloister is a private AI.*› ")
    screen.type("\x1b[200~What is\na token?\x1b[201~\r")
    screen.wait("A token is a piece of text.*› ")
    screen.type("\x04")
    assert screen.end() == 0


@pytest.mark.parametrize("patience", [0, 0.05, 2])
def test_ctrl_c_stops_the_answer_and_the_conversation_goes_on(chat, tmp_path, patience):
    screen = chat("--model", without_end(tmp_path / "endless.gguf"))
    screen.wait("› ")
    screen.type("Tell me everything\r")
    screen.wait(r"\n")
    time.sleep(patience)
    screen.type("\x03")
    screen.wait("› ")
    screen.type("/quit\r")
    assert screen.end() == 0


def test_what_is_piped_in_belongs_to_the_question(home):
    home.init()
    asked = lambda given, *prompt: home.owner("chat", *prompt, input=given).stdout
    assert "Cloister is a private AI" in asked("What is Cloister?")
    assert asked("What is Cloister?") == asked("", "What is Cloister?")
    refused = home.owner("chat", input="x" * 300_000, check=False)
    assert refused.returncode == 1 and "piped in" in refused.stderr


def test_a_chat_frames_its_conversation_and_names_its_model(home):
    home.init()
    assert home.owner("chat", "--system", "Answer in one word.", "--model", "guide", "What is Cloister?").stdout
    missing = home.owner("chat", "--model", "nobody", "What is Cloister?", check=False)
    assert missing.returncode == 1 and "nobody" in missing.stderr
