"""Backup and restore: one file of ciphertext, checked before it is believed, and never half a directory."""

import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading
import time

import pytest
import requests

from conftest import BINARY, PASSPHRASE
from test_sealing import canary, found


@pytest.fixture
def kept(served):
    """A server whose archive holds a conversation with a phrase in it."""
    served.secret = canary()
    reply = requests.post(served.url + "/chat", json={"message": served.secret, "session_id": "s"}, headers=served.headers)
    assert reply.status_code == 200
    served.backup = served.root / "backup.cloister"
    served.elsewhere = served.root / "elsewhere"
    return served


def history(home):
    return [m["content"] for m in requests.get(home.url + "/history/s", headers=home.headers).json()["history"]]


def back_up(home, *arguments, **more):
    return home.run("backup", home.backup, "--data", home.data, *arguments, **more)


def restore(home, **more):
    return home.run("restore", home.backup, "--data", home.elsewhere, **more)


@pytest.mark.parametrize("beside", [True, False], ids=["beside a server", "alone"])
def test_a_backup_opens_elsewhere(kept, beside):
    before = history(kept)
    if not beside:
        kept.stop(kept.server)
    assert "checked" in back_up(kept).stdout
    assert stat.S_IMODE(kept.backup.stat().st_mode) == 0o600
    assert not list(kept.data.glob("snapshot-*")) and not list(kept.root.glob("*.partial"))
    assert found([kept.secret, PASSPHRASE, kept.token], [kept.backup]) == []
    if beside:
        assert history(kept) == before
        kept.stop(kept.server)
    shutil.rmtree(kept.data)
    assert "accounts 1, conversations 1, records 2" in restore(kept).stdout
    assert stat.S_IMODE(kept.elsewhere.stat().st_mode) == 0o700
    kept.serve(data=kept.elsewhere)
    assert history(kept) == before and before[0] == kept.secret
    listed = kept.run("keys", "list", "--data", kept.elsewhere, "--owner", "Ada", "--passphrase-file", kept.passphrase).stdout
    assert "test" in listed


def test_only_the_local_socket_makes_snapshots(kept):
    reply = requests.post(kept.url + "/cloister/v1/snapshot", headers=kept.headers)
    assert reply.status_code == 404 and not list(kept.data.glob("snapshot-*"))


def test_a_backup_is_not_overwritten_unless_asked(kept):
    kept.backup.write_text("mine")
    refused = back_up(kept, check=False)
    assert refused.returncode == 1 and "--force" in refused.stderr and kept.backup.read_text() == "mine"
    back_up(kept, "--force")
    assert kept.backup.read_bytes().startswith(b"CLBK")
    nowhere = kept.run("backup", kept.root / "none/backup", "--data", kept.data, check=False)
    assert nowhere.returncode == 1 and "cannot be written there" in nowhere.stderr
    assert not list(kept.data.glob("snapshot-*"))
    within = kept.run("backup", "--force", kept.data / "archive/archive.sqlite", "--data", kept.data, check=False)
    assert within.returncode == 1 and "lies in the data directory" in within.stderr and history(kept)[0] == kept.secret
    absent = kept.run("backup", kept.root / "other", "--data", kept.root / "absent", check=False)
    assert absent.returncode == 1 and "no data directory" in absent.stderr and not (kept.root / "absent").exists()


def test_a_changed_or_cut_backup_is_refused_and_leaves_nothing(kept):
    back_up(kept)
    whole = kept.backup.read_bytes()
    for place in [0, 5, 6, 60, 119, 120, len(whole) // 2, len(whole) - 1]:
        changed = bytearray(whole)
        changed[place] ^= 0x10
        kept.backup.write_bytes(changed)
        refused = restore(kept, check=False)
        assert refused.returncode == 1 and "the backup is refused" in refused.stderr, place
    for count in [0, 3, 119, 121, len(whole) // 2, len(whole) - 1]:
        kept.backup.write_bytes(whole[:count])
        refused = restore(kept, check=False)
        assert refused.returncode == 1 and "the backup is refused" in refused.stderr, count
    assert not list(kept.root.glob("elsewhere*"))
    kept.backup.write_bytes(whole)
    restore(kept)


def test_a_directory_that_holds_something_is_not_touched(kept):
    back_up(kept)
    refused = kept.run("restore", kept.backup, "--data", kept.data, check=False)
    assert refused.returncode == 1 and "not empty" in refused.stderr
    assert history(kept)[0] == kept.secret


def test_a_backup_of_a_busy_server_holds_what_was_acknowledged_before(kept):
    acknowledged, done = [], threading.Event()

    def write():
        while not done.is_set():
            text = f"turn {len(acknowledged)}"
            reply = requests.post(kept.url + "/chat", json={"message": text, "session_id": "s"}, headers=kept.headers)
            assert reply.status_code == 200, reply.text
            acknowledged.append(text)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(4):
            time.sleep(0.5)
            before = list(acknowledged)
            back_up(kept, "--force")
    finally:
        done.set()
        writer.join()
    kept.stop(kept.server)
    restore(kept)
    kept.serve(data=kept.elsewhere)
    assert len(before) > 2 and set(before) <= set(history(kept))


def test_a_full_disk_is_said_and_leaves_no_half(kept):
    """The command may write no large file: what a full disk does to it, without filling one."""
    kept.stop(kept.server)
    fill(kept, 2)
    limited = subprocess.run(
        [BINARY, "backup", kept.backup, "--data", kept.data], env=kept.environment, capture_output=True, text=True, restore_signals=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    assert limited.returncode == 1 and "nothing was changed" in limited.stderr and not kept.backup.exists()
    back_up(kept)
    limited = subprocess.run(
        [BINARY, "restore", kept.backup, "--data", kept.elsewhere], env=kept.environment, capture_output=True, text=True, restore_signals=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    assert limited.returncode == 1 and "disk is full" in limited.stderr
    assert not list(kept.root.glob("*.partial")) and not list(kept.root.glob("elsewhere*")) and not list(kept.data.glob("snapshot-*"))


def fill(home, mebibytes):
    """Rows that look like a large archive's."""
    with sqlite3.connect(home.data / "archive/archive.sqlite") as database:
        conversation = database.execute("select id from conversation").fetchone()[0]
        for ordinal in range(100, 100 + mebibytes):
            database.execute("insert into record values (?, ?, ?, 0, 1, 0, ?)", (conversation, ordinal, ordinal, os.urandom(1 << 20)))


def kill_midway(home, arguments, begun):
    """Starts the command and kills it some time after `begun` is true; whether it was still running."""
    process = subprocess.Popen([BINARY, *map(str, arguments)], env=home.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not begun() and process.poll() is None:
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.05))
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def test_a_kill_leaves_no_half(kept):
    kept.stop(kept.server)
    fill(kept, 100)
    partial, staging = kept.root / "backup.cloister.partial", kept.root / "elsewhere.restoring"
    snapshots = lambda: set(kept.data.glob("snapshot-*"))
    kills = []
    for phase in ["writing", "snapshot", "writing", "snapshot"]:
        partial.unlink(missing_ok=True)
        before = snapshots()
        begun = partial.exists if phase == "writing" else lambda: snapshots() - before
        kills.append(kill_midway(kept, ["backup", kept.backup, "--data", kept.data], begun) and not kept.backup.exists())
        kept.backup.unlink(missing_ok=True)
    assert any(kills), "no kill came in the middle"
    back_up(kept)
    assert not partial.exists() and not snapshots()
    kills = []
    for _ in range(3):
        kills.append(kill_midway(kept, ["restore", kept.backup, "--data", kept.elsewhere], staging.exists))
        if kept.elsewhere.exists():
            kills[-1] = False
            shutil.rmtree(kept.elsewhere)
    assert any(kills), "no kill came in the middle"
    assert "records 102" in restore(kept).stdout and not staging.exists()
