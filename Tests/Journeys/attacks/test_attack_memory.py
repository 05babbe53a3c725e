"""Class 18, memory after the lock: the tools that show it, and that they find what is there while it is unlocked.

A person's cell is a process of its own, and its end is the wipe.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import conftest
from attack_fixtures import house, owner  # noqa: F401 (fixtures are found by name)
from processes import family, until
from sweeping import assert_gone_after_lock, canary, in_memory, sweep
from vault_keys import keys_of

pytestmark = [
    pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run"),
    pytest.mark.skipif(os.geteuid() != 0, reason="not shown: reading another process's memory needs root"),
]


def test_the_scan_finds_text_and_keys_while_unlocked(house):
    """The control: message and title lie in the memory of one of the server's processes, and the root key if the kernel has no better place for it; a phrase that nobody typed
    does not. That the scan finds a key where one lies is shown below, with a process of the test."""
    channel, secret, title = owner(house), canary(), canary()
    conversation = channel.ask("conversations.create", {"offRecord": False})["id"]
    channel.pieces("conversations.send", {"text": secret}, conversation)
    channel.ask("conversations.change", {"title": title}, conversation)
    keys = keys_of(house.data, conftest.PASSPHRASE)
    assert set(keys) == {"root", "owner's keyring", "conversation 0"} and all(len(key) == 32 for key in keys.values())
    assert in_memory(house.server, [secret, title, keys["root"], canary(), os.urandom(32)]) == {0, 1} | at_rest(house.server, 2)


def key_pages(pid):
    """Where a process keeps its keys, from its map; nothing if the kernel gave no memfd_secret."""
    lines = [line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if line.endswith("/secretmem (deleted)")]
    return [tuple(int(part, 16) for part in line.split()[0].split("-")) for line in lines]


def settled_pages(server):
    """The same of every process of a server, when none is being started or has just ended. Empty if the kernel gave none."""
    if not key_pages(server.pid):
        return {}
    pages = {}

    def are_there():
        pages.clear()
        try:
            pages.update({pid: key_pages(pid) for pid in family(server.pid)})
        except (FileNotFoundError, ProcessLookupError):
            return False
        return all(pages.values())

    until(are_there, "a process keeps its keys elsewhere than the others")
    return pages


def at_rest(server, index):
    """Keys at rest are found only where no process has pages for them that the kernel reads for nobody."""
    return set() if settled_pages(server) else {index}


def test_keys_at_rest_are_read_by_nobody(house):
    """Pass: the pages of every process of the server are locked, left out of dumps, and not read through /proc even by root; another page of the same process is."""
    owner(house)
    pages = settled_pages(house.server)
    if not pages:
        pytest.skip("not shown: this kernel gives no memfd_secret")
    for pid, ranges in pages.items():
        flags = [line.split()[1:] for part in Path(f"/proc/{pid}/smaps").read_text().split("/secretmem (deleted)")[1:] for line in part.splitlines() if line.startswith("VmFlags:")][:1]
        assert all({"lo", "dd"} <= set(one) for one in flags) and flags
        stack = next(line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if line.endswith("[stack]"))
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
        try:
            assert os.pread(memory, 16, int(stack.split("-")[1].split()[0], 16) - 16), "the control"
            for start, _ in ranges:
                with pytest.raises(OSError):
                    os.pread(memory, 16, start)
        finally:
            os.close(memory)


HOLDER = """
import os, sys
secret = bytes.fromhex(sys.stdin.readline())
if os.fork():
    del secret
    os.wait()
else:
    print("ready", flush=True)
    sys.stdin.readline()
"""


def test_the_scan_sees_every_process_of_a_server_and_the_end_of_one():
    """The tool itself: a phrase that only a child holds is found through its parent, in two alphabets; after the child's end it is gone."""
    secret, key = canary(), os.urandom(32)
    parent = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        parent.stdin.write((secret.encode() + key + secret.encode("utf-16-le")).hex() + "\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "ready\n" and len(family(parent.pid)) == 2
        assert in_memory(parent, [secret, key, canary()]) == {0, 1}
        with pytest.raises(AssertionError, match="2 of 3 are in memory still"):
            assert_gone_after_lock(parent, [secret, key, canary()], seconds=0.1)
        # What is in no memory passes: the function does not only complain.
        assert_gone_after_lock(parent, [canary()])
    finally:
        parent.communicate("\n", timeout=10)


def test_what_cannot_be_read_is_not_called_clean():
    """A process that is gone, and a folder that is: exit code 2 and not 0."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    for where in (["--root", "/nonexistent/folder"], ["--pid", ended.pid, "--memory"]):
        code, said = sweep([canary()], *where)
        assert code == 2 and "not shown" in said


def test_a_lock_leaves_neither_text_nor_keys_in_any_process(house):
    """Pass: message, answer, title, draft, passphrase and every key, in memory before the lock, are in no process of the server after it."""
    channel, secret, title, draft = owner(house), canary(), canary(), canary()
    conversation = channel.ask("conversations.create", {"offRecord": False})["id"]
    channel.pieces("conversations.send", {"text": secret}, conversation)
    channel.ask("conversations.change", {"title": title}, conversation)
    channel.ask("drafts.keep", {"text": draft}, conversation)
    keys = keys_of(house.data, conftest.PASSPHRASE)
    wanted = [secret, title, draft, keys["root"], *keys.values(), conftest.PASSPHRASE]
    assert {0, 1, 2} | at_rest(house.server, 3) <= in_memory(house.server, wanted), "the control found nothing, so nothing would be shown"
    channel.ask("lock")
    assert_gone_after_lock(house.server, wanted)


def test_the_end_of_an_off_the_record_chat_and_of_an_idle_session_leave_nothing(house):
    """Pass: what was never written to disk is gone from memory too once its session is closed."""
    channel, secret = owner(house), canary()
    conversation = channel.ask("conversations.create", {"offRecord": True})["id"]
    channel.pieces("conversations.send", {"text": secret}, conversation)
    assert in_memory(house.server, [secret]) == {0}
    channel.ask("close")
    assert_gone_after_lock(house.server, [secret])
