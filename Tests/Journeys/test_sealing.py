"""Nothing is lost, nothing leaks."""

import base64
import gzip
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from conftest import BINARY, PASSPHRASE, SHARED
from soak_report import noted
sys.path.append(str(Path(__file__).parent / "attacks"))
from processes import family, named  # noqa: E402


def forms(secret):
    """The ways in which a phrase could lie around."""
    utf8 = secret.encode()
    plain = [utf8, secret.encode("utf-16-le"), secret.encode("utf-16-be"), utf8.hex().encode(), utf8.hex().upper().encode()]
    # base64 has three alignments; the middle of each is the same wherever the phrase stands.
    return plain + [base64.b64encode(b"x" * shift + utf8)[4:-4] for shift in range(3)]


def found(secrets, roots):
    hits = []
    for root in roots:
        for path in ([root] if root.is_file() else root.rglob("*")):
            if not path.is_file():
                continue
            data = path.read_bytes()
            texts = [data]
            for offset in [i for i in range(len(data) - 2) if data[i:i + 2] == b"\x1f\x8b"][:50]:
                try:
                    texts.append(gzip.decompress(data[offset:]))
                except Exception:
                    pass
            hits += [(path.name, secret) for secret in secrets for form in forms(secret) for text in texts if form in text]
    return hits


def canary():
    return "canary " + " ".join("".join(random.choices("bcdfghklmnprstvz", k=8)) for _ in range(3))


def test_no_phrase_is_readable_anywhere(served, tmp_path):
    """B5, B6: data directory, temporary files, logs, after API, command line, import."""
    control = tmp_path / "control.gz"
    secret = canary()
    control.write_bytes(b"....." + gzip.compress(secret.encode()))
    assert found([secret], [tmp_path]), "the positive control: the sweep finds what is there"

    secrets = [canary() for _ in range(5)]
    url, headers = served.url, served.headers
    requests.post(url + "/chat", json={"message": secrets[0], "session_id": secrets[1]}, headers=headers)
    body = {"model": "default", "messages": [{"role": "user", "content": secrets[2]}]}
    requests.post(url + "/v1/chat/completions", json=body | {"store": True}, headers=headers)
    requests.post(url + "/v1/chat/completions", json=body, headers=headers)
    served.owner("chat", secrets[3])
    folder = served.root / "old"
    folder.mkdir()
    from cryptography.fernet import Fernet
    key = Fernet.generate_key()
    (tmp_path / "secret.key").write_bytes(key)
    (folder / "one.enc").write_bytes(Fernet(key).encrypt(json.dumps([{"role": "user", "content": secrets[4], "timestamp": "2026-01-01T00:00:00"}]).encode()))
    served.owner("import-fernet", folder, "--key-file", tmp_path / "secret.key")
    private = secrets + [PASSPHRASE, served.token]
    os.remove(served.passphrase)
    assert found(private, [served.root]) == []
    served.stop(served.server)
    assert found(private, [served.root]) == []


def test_unstored_completions_leave_no_record(served):
    body = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
    def count():
        return sqlite3.connect(f"file:{served.data}/archive/archive.sqlite?mode=ro", uri=True).execute("select count(*) from record").fetchone()[0]
    requests.post(served.url + "/v1/chat/completions", json=body, headers=served.headers)
    assert count() == 0
    requests.post(served.url + "/v1/chat/completions", json=body | {"store": True}, headers=served.headers)
    assert count() == 2


def test_the_health_indicator_is_computed(served):
    """B12: plaintext in the archive turns it false."""
    requests.post(served.url + "/chat", json={"message": "hello"}, headers=served.headers)
    assert requests.get(served.url + "/health").json()["encryption_enabled"] is True
    with sqlite3.connect(served.data / "archive/archive.sqlite") as database:
        database.execute("update record set box = ?", (b"this is readable text, and should not be here at all " * 9,))
    assert requests.get(served.url + "/health").json()["encryption_enabled"] is False


@pytest.mark.parametrize("change", [
    "update record set box = zeroblob(length(box)) where ordinal = 0",
    "delete from record where ordinal = 0",
    "delete from record where ordinal = (select max(ordinal) from record)",
    "update record set ordinal = 13 - ordinal",
    "insert into record select conversation, ordinal + 9, sequence, version, kind, epoch, box from record where ordinal = 0",
    "update conversation set head_version = head_version + 1",
])
def test_a_changed_archive_is_noticed(served, change):
    """B11: dropped, swapped, repeated, altered."""
    for _ in range(2):
        requests.post(served.url + "/chat", json={"message": "hello", "session_id": "s"}, headers=served.headers)
    served.stop(served.server)
    with sqlite3.connect(served.data / "archive/archive.sqlite") as database:
        database.execute(change)
    served.serve()
    reply = requests.get(served.url + "/history/s", headers=served.headers)
    assert reply.status_code == 500 and "not what was written" in reply.json()["error"]["message"]


def test_a_record_moved_to_another_conversation_does_not_open(served):
    """B11: an .enc file renamed to another session."""
    for session in ("a", "b"):
        requests.post(served.url + "/chat", json={"message": "hello", "session_id": session}, headers=served.headers)
    served.stop(served.server)
    with sqlite3.connect(served.data / "archive/archive.sqlite") as database:
        boxes = database.execute("select conversation, box from record where ordinal = 0").fetchall()
        for (conversation, _), (_, box) in zip(boxes, reversed(boxes)):
            database.execute("update record set box = ? where conversation = ? and ordinal = 0", (box, conversation))
    served.serve()
    assert requests.get(served.url + "/history/a", headers=served.headers).status_code == 500


ROUNDS = int(os.environ.get("CLOISTER_KILL_ROUNDS", "20"))


def test_every_acknowledged_turn_survives_kill_9(served):
    acknowledged, url, headers = [], served.url, served.headers
    server = served.server
    for round in range(ROUNDS):
        done = threading.Event()

        def write():
            number = 0
            while not done.is_set():
                text = f"turn {round}.{number}"
                try:
                    reply = requests.post(url + "/chat", json={"message": text, "session_id": f"r{round}"}, headers=headers, timeout=20)
                    if reply.status_code == 200:
                        acknowledged.append((f"r{round}", text))
                except requests.RequestException:
                    return
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(random.uniform(0.05, 0.6))
        server.send_signal(signal.SIGKILL)
        server.wait()
        done.set()
        writer.join()
        server = served.serve()
    assert len(acknowledged) >= ROUNDS / 2
    histories, lost = {}, []
    for session, text in acknowledged:
        if session not in histories:
            reply = requests.get(f"{url}/history/{session}", headers=headers)
            assert reply.status_code == 200, reply.text
            histories[session] = [m["content"] for m in reply.json()["history"]]
        if text not in histories[session]:
            lost.append(text)
    noted("kill -9 while writing", rounds=ROUNDS, acknowledged=len(acknowledged), lost=len(lost))
    assert not lost, "acknowledged, and gone"


def test_a_full_disk_is_said_and_what_was_acknowledged_stays(served):
    """The process may write no file larger than it has now: what a full disk does to it, without filling one."""
    say = lambda text: requests.post(served.url + "/chat", json={"message": text, "session_id": "s"}, headers=served.headers)
    assert say("before").status_code == 200
    largest = max(path.stat().st_size for path in (served.data / "archive").iterdir())
    gateway = named(served.server, "gateway")
    resource.prlimit(gateway, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
    replies = [say(f"{number} " + "x" * 300) for number in range(60)]
    failed = [reply for reply in replies if reply.status_code != 200]
    assert failed and all("was not stored" in reply.json()["error"]["message"] for reply in failed)
    resource.prlimit(gateway, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert say("after").status_code == 200
    history = [message["content"] for message in requests.get(served.url + "/history/s", headers=served.headers).json()["history"]]
    kept = [str(number) for number, reply in enumerate(replies) if reply.status_code == 200]
    assert history[0] == "before" and "after" in history
    assert set(kept) <= {text.split()[0] for text in history}


def test_a_crash_prints_no_memory(served):
    """F1: every process traps with a phrase in memory; standard error says which were started again, and nothing else."""
    secret = canary()
    requests.post(served.url + "/chat", json={"message": secret}, headers=served.headers)
    for process in reversed(family(served.server.pid)):
        os.kill(process, signal.SIGILL)
        time.sleep(0.2)
    assert served.server.wait(10) == -signal.SIGILL
    said = (served.root / "server.log").read_text().splitlines()
    assert set(said) <= {f"cloister: the {role} process had ended and was started again" for role in ("gateway", "endpoints")}, said
    assert not list(served.root.rglob("core*"))


def test_fernet_import_and_export_agree_with_python(served, tmp_path):
    from cryptography.fernet import Fernet
    key = Fernet.generate_key()
    (tmp_path / "secret.key").write_bytes(key)
    messages = [{"role": "user", "content": "grüße", "timestamp": "2026-02-18T10:00:00.123456"}, {"role": "assistant", "content": "hello", "timestamp": "2026-02-18T10:00:01"}]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "session_1.enc").write_bytes(Fernet(key).encrypt(json.dumps(messages).encode()))
    wrong = tmp_path / "wrong.key"
    wrong.write_bytes(Fernet.generate_key())
    refused = served.owner("import-fernet", tmp_path / "in", "--key-file", wrong, check=False)
    assert refused.returncode == 1 and "nothing was taken over" in refused.stderr
    served.owner("import-fernet", tmp_path / "in", "--key-file", tmp_path / "secret.key")
    served.owner("export-fernet", tmp_path / "out", "--key-file", tmp_path / "secret.key")
    files = list((tmp_path / "out").glob("*.enc"))
    assert len(files) == 1
    back = json.loads(Fernet(key).decrypt(files[0].read_bytes()))
    assert [(m["role"], m["content"]) for m in back] == [(m["role"], m["content"]) for m in messages]


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared")
def test_the_published_tutorial_files_are_taken_over_exactly(served, tmp_path):
    from cryptography.fernet import Fernet
    folder = SHARED / "vectors/generated/fernet_import"
    served.owner("import-fernet", folder / "conversations", "--key-file", folder / "secret.key")
    key = Fernet.generate_key()
    (tmp_path / "k").write_bytes(key)
    served.owner("export-fernet", tmp_path / "out", "--key-file", tmp_path / "k")
    ours = [json.loads(Fernet(key).decrypt(f.read_bytes())) for f in (tmp_path / "out").glob("*.enc")]
    expected = json.loads((folder / "expected.json").read_text())
    conversations = expected.values() if isinstance(expected, dict) else expected
    texts = sorted([(m["role"], m["content"]) for m in c] for c in ours)
    assert texts == sorted([(m["role"], m["content"]) for m in (c["messages"] if isinstance(c, dict) else c)] for c in conversations)
