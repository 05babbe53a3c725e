"""Who is who among Cloister's processes, and what the end of one does to the others."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import requests

from conftest import BINARY, PASSPHRASE
sys.path[:0] = [str(Path(__file__).parent / "page"), str(Path(__file__).parent / "attacks")]
from channel import Channel, Refused  # noqa: E402
from page_fixtures import without_end  # noqa: E402
from processes import alive, roles, until  # noqa: E402

ASK = {"model": "default", "messages": [{"role": "user", "content": "What is Cloister?"}]}


def engines(server, count=1, seconds=10):
    """The engine processes, when there are so many."""
    until(lambda: len(roles(server).get("engine", [])) == count, f"not {count} engines", seconds)
    return roles(server)["engine"]


def ask(served, **more):
    return requests.post(served.url + "/v1/chat/completions", json=ASK | more, headers=served.headers)


def test_an_engine_holds_a_model_and_sockets_of_its_own_and_nothing_else(home):
    home.init()
    model = without_end(home.root / "endless.gguf")
    home.headers = {"Authorization": f"Bearer {home.key()}"}
    server = home.serve("--model", model)
    assert ask(home, max_tokens=4).status_code == 200
    listening = {line.split()[9] for name in ("tcp", "tcp6", "udp", "udp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]}
    for engine in engines(server, 2):
        held = [os.readlink(entry) for entry in Path(f"/proc/{engine}/fd").iterdir() if entry.name not in "012"]
        assert held, "nothing was listed, so nothing was shown"
        others = [name for name in held if not name.startswith(("socket:", "anon_inode:", "pipe:")) and name != str(model)]
        assert not others, others
        assert not {name[8:-1] for name in held if name.startswith("socket:")} & listening, "a socket that reaches a network"


def test_a_killed_engine_comes_back_with_the_next_question(served):
    assert ask(served).status_code == 200
    for _ in range(3):
        [engine] = engines(served.server)
        os.kill(engine, signal.SIGKILL)
        while alive(engine):
            time.sleep(0.01)
        assert ask(served).json()["choices"][0]["message"]["content"].startswith("Cloister is")
    assert engines(served.server) != [engine]


def test_an_engine_killed_in_an_answer_ends_that_answer_and_no_other(home):
    """Somebody else's model goes on, and the cut answer ends in an error."""
    home.init()
    home.headers = {"Authorization": f"Bearer {home.key()}"}
    server = home.serve("--model", without_end(home.root / "endless.gguf"))
    ended = threading.Event()
    answer = {}

    def read():
        with requests.post(home.url + "/v1/chat/completions", json=ASK | {"stream": True, "max_tokens": 4000}, headers=home.headers, stream=True) as reply:
            answer["lines"] = [line for line in reply.iter_lines() if line]
        ended.set()

    threading.Thread(target=read).start()
    deadline = time.time() + 20
    while len(engines(server, 2)) < 2 and time.time() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    big = max(engines(server, 2), key=lambda process: int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11]))
    os.kill(big, signal.SIGKILL)
    assert ended.wait(10), "the answer did not end"
    assert len(answer["lines"]) > 1, "nothing was streamed before"
    assert b"the model's process has ended" in answer["lines"][-1], "an answer that was cut looks like a whole one"
    assert ask(home, model="guide").json()["choices"][0]["message"]["content"].startswith("Cloister is")
    assert ask(home, max_tokens=4).status_code == 200


def test_a_process_that_stands_still_keeps_nobody_else_waiting(served):
    """Neither who looks at the privacy panel, nor who ends the server."""
    channel = unlocked(served)
    assert ask(served).status_code == 200
    still = engines(served.server)
    for process in still:
        os.kill(process, signal.SIGSTOP)
    try:
        shown = channel.ask("evidence")
        assert {process["role"] for process in shown["confined"]} >= {"gateway", "endpoints", "cell"}
        more = cells(served.server)
        for process in more:
            os.kill(process, signal.SIGSTOP)
        still += more
        served.stop(served.server)
    finally:
        for process in still:
            os.kill(process, signal.SIGKILL)


def test_no_process_outlives_the_server(served):
    [engine] = engines(served.server)
    served.server.kill()
    served.server.wait()
    until(lambda: not alive(engine), "the engine goes on alone", 5)


def test_a_role_is_not_for_hands():
    for role in ("engine", "relay", "nothing"):
        result = subprocess.run([BINARY, "role", role], capture_output=True, text=True, timeout=10)
        assert result.returncode == 64 and "not by hand" in result.stderr


def cells(server):
    return roles(server).get("cell", [])


def unlocked(home):
    """A channel of the owner, from the documents alone."""
    return Channel(home.port, {"passphrase": {"name": "Ada", "passphrase": PASSPHRASE}})


def test_every_thread_of_a_cell_and_an_engine_is_behind_a_filter(served):
    channel = unlocked(served)
    channel.ask("conversations")
    confined = cells(served.server) + engines(served.server)
    assert len(confined) >= 2
    for process in confined:
        for thread in Path(f"/proc/{process}/task").iterdir():
            status = dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines() if ":\t" in line)
            assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1"), f"{status['Name']} is not locked"
        held = [os.readlink(entry) for entry in Path(f"/proc/{process}/fd").iterdir() if entry.name not in "012"]
        assert not [name for name in held if not name.startswith(("socket:", "anon_inode:", "pipe:"))], "a file is open"
        assert not any(name in Path(f"/proc/{process}/net/tcp").read_text().split() for name in (entry[8:-1] for entry in held))


def test_a_lock_ends_the_process_that_held_the_keys(served):
    channel = unlocked(served)
    channel.ask("conversations")
    before = set(cells(served.server))
    channel.ask("lock")
    until(lambda: before - {spare for spare in before if alive(spare)}, "the cell goes on after the lock")
    assert requests.get(served.url + "/health").json()["status"] == "healthy"


def test_two_sessions_of_one_person_share_one_cell(served):
    """What is off the record in one is there in the other, because it lies in one memory."""
    first = unlocked(served)
    conversation = first.ask("conversations.create", {"offRecord": True})["id"]
    first.pieces("conversations.send", {"text": "What is Cloister?"}, conversation)
    second = unlocked(served)
    assert [turn["text"] for turn in second.ask("conversations.read", {}, conversation)["turns"]][0] == "What is Cloister?"
    assert len(second.ask("sessions")["sessions"]) >= 2
    first.ask("lock")
    for channel in (first, second):
        try:
            channel.ask("conversations")
            raise AssertionError("a locked session answered")
        except Refused as refusal:
            assert refusal.status == 401


def test_a_killed_cell_asks_for_the_passphrase_and_keeps_what_was_acknowledged(served):
    """Others are not disturbed: a program's cell is another process."""
    channel = unlocked(served)
    conversation = channel.ask("conversations.create", {"offRecord": False})["id"]
    channel.pieces("conversations.send", {"text": "What is Cloister?"}, conversation)
    assert ask(served).status_code == 200
    for cell in cells(served.server):
        os.kill(cell, signal.SIGKILL)
    until(lambda: ask(served).status_code == 200, "programs are not served any more")
    try:
        channel.ask("conversations")
        raise AssertionError("a dead cell answered")
    except Refused as refusal:
        assert refusal.status == 401
    again = unlocked(served)
    turns = again.ask("conversations.read", {}, conversation)["turns"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"]


def test_many_requests_leave_nothing_open(served):
    """Each request of a program opens a channel of its own; processes, descriptors and threads are the same after hundreds."""
    def held():
        members = [served.server.pid, *cells(served.server), *engines(served.server)]
        return sum(len(list(Path(f"/proc/{member}/{kind}").iterdir())) for member in members for kind in ("fd", "task"))

    for _ in range(20):
        assert ask(served, max_tokens=2).status_code == 200
    before = held()
    for _ in range(200):
        assert ask(served, max_tokens=2).status_code == 200
    until(lambda: held() < before + 40, f"{before} descriptors and threads before, {held()} after")


def test_every_thread_of_the_server_is_behind_a_filter_that_denies_dialling(served):
    """The first process too, and what it says of itself: every attempt to connect or to send was refused, what its role allows is named."""
    assert ask(served).status_code == 200
    for thread in Path(f"/proc/{served.server.pid}/task").iterdir():
        status = (thread / "status").read_text()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status, status.splitlines()[0]
    channel = unlocked(served)
    first = next(process for process in channel.ask("evidence")["confined"] if process["role"] == "supervisor")
    assert first["process"] == served.server.pid and first["filtered"]
    dialling = [attempt for attempt in first["attempts"] if attempt["name"].startswith(("TCP", "UDP", "raw", "packet", "vsock", "io_uring"))]
    assert len(dialling) >= 12 and all(attempt.get("refusal") for attempt in dialling)
    assert not [attempt for attempt in first["attempts"] if not attempt.get("refusal") and not attempt["granted"]]


def test_the_first_process_writes_beside_nothing_and_starts_no_other_program(served):
    """By what it tried itself, and by what the kernel says to one that the doctor started: neither needs a wall of another kind."""
    channel = unlocked(served)
    first = next(process for process in channel.ask("evidence")["confined"] if process["role"] == "supervisor")
    attempts = {attempt["name"]: attempt.get("refusal") for attempt in first["attempts"]}
    assert first["landlock"], "this kernel has Landlock 2 or later"
    for name in ("writing in the temporary directory", "writing beside the data directory", "starting a program"):
        assert attempts[name] == "EACCES", name
    assert attempts["becoming a program"] is None, "the control: it may start itself"


def test_no_model_file_is_read_by_the_first_process(home):
    """It passes descriptors on: the file is neither mapped nor read in it, before and after it is loaded."""
    home.init()
    home.headers = {"Authorization": f"Bearer {home.key()}"}
    model = without_end(home.root / "endless.gguf")
    server = home.serve("--model", model)
    assert ask(home, max_tokens=4).status_code == 200
    assert model.name not in Path(f"/proc/{server.pid}/maps").read_text()
    assert any(model.name in Path(f"/proc/{engine}/maps").read_text() for engine in engines(server, 2)), "the control: an engine maps it"


def test_a_model_file_that_is_cut_short_ends_no_more_than_its_engine(home):
    """While it is loaded, while it answers, and while it is only listed: the server goes on, and says what is wrong."""
    home.init()
    home.headers = {"Authorization": f"Bearer {home.key()}"}
    model = without_end(home.root / "endless.gguf")
    whole = model.read_bytes()
    server = home.serve("--model", model)
    assert ask(home, max_tokens=4).status_code == 200
    os.truncate(model, 4096)
    assert ask(home, max_tokens=4).status_code != 200
    assert ask(home, model="guide").status_code == 200
    for length in (0, 1, 24, 4_000, len(whole) // 2, len(whole) - 1):
        model.write_bytes(whole[:length])
        assert ask(home, max_tokens=4).status_code != 200, length
        assert ask(home, model="guide").status_code == 200
    model.write_bytes(whole)
    assert ask(home, max_tokens=4).status_code == 200
    assert alive(server.pid)
