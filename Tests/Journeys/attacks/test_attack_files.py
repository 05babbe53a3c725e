"""Class 16, links and permissions: what somebody put in the place of a file of the data directory is refused, and nothing outside is touched."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest
import requests

import conftest
from attack_fixtures import started
from processes import family, is_alive

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

GUIDE = Path(__file__).resolve().parents[3] / "Sources/CGuide/guide.gguf"
SEALED = ["archive/archive.sqlite", "archive/archive.sqlite-wal", "archive/archive.sqlite-shm", "lock", "node.key"]
OWN = ["models/models.json", "models/lock", "models/mine.gguf"]
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="not shown: giving a file to another user needs root")


def symlink(path, outside):
    os.replace(path, outside)
    path.symlink_to(outside)


def dangling(path, outside):
    path.unlink()
    path.symlink_to(outside)


def hard_link(path, outside):
    os.link(path, outside)


def fifo(path, outside):
    path.unlink()
    os.mkfifo(path, 0o600)


def socket_file(path, outside):
    path.unlink()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def folder(path, outside):
    path.unlink()
    path.mkdir(mode=0o700)


def readable(path, outside):
    path.chmod(0o644)


def writable(path, outside):
    path.chmod(0o666)


def given_away(path, outside):
    os.chown(path, 12_345, 12_345)


FAULTS = [symlink, dangling, hard_link, fifo, socket_file, folder, readable, writable, pytest.param(given_away, marks=ROOT)]


@pytest.fixture(scope="module")
def original():
    """A data directory with everything in it, as a kill left it: with its write-ahead log."""
    home = conftest.Home()
    started(home)
    home.run("models", "add", GUIDE, "--name", "mine", "--data", home.data)
    requests.post(home.url + "/chat", json={"message": "hello", "session_id": "s"}, headers=home.headers)
    # All at once: a gateway whose supervisor ends closes the archive, which takes its log away.
    for process in reversed(family(home.server.pid)):
        os.kill(process, signal.SIGKILL)
    home.server.wait()
    assert all((home.data / name).exists() for name in SEALED + OWN)
    yield home
    home.close()


@pytest.fixture
def copy(original):
    """A home with a copy of it, and a place outside of the data directory."""
    home = conftest.Home()
    shutil.copytree(original.data, home.data, ignore=shutil.ignore_patterns("*.sock"))
    home.data.chmod(0o700)
    home.headers, home.outside = original.headers, home.root / "outside"
    yield home
    home.close()


def shape(root):
    """Kind, mode, owner, names and content of everything below, but for what a start makes by itself."""
    found = {}
    for path in sorted([root, *root.rglob("*")]):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else os.readlink(path) if path.is_symlink() else None
        found[str(path.relative_to(root))] = (status.st_mode, status.st_uid, status.st_nlink if path.is_file() else 0, content)
    return found


def start(home, *arguments, seconds=20):
    """Tries to serve.

    Returns the exit code, None for one that listens, and what was said.
    """
    process = subprocess.Popen([conftest.BINARY, "serve", "--data", str(home.data), "--port", str(home.port), *arguments], env=home.environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    home.processes.append(process)
    home.server, deadline = process, time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return process.returncode, process.stderr.read().decode()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", home.port)) == 0:
                return None, ""
        time.sleep(0.02)
    raise AssertionError("it neither listens nor ends: it hangs")


def test_the_untouched_copy_is_served(copy):
    """The control for all that follow: without a fault it starts and answers, and every file is private."""
    assert start(copy) == (None, "")
    assert requests.get(copy.url + "/history/s", headers=copy.headers).json()["total_messages"] == 2
    assert all(stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0 for path in copy.data.rglob("*"))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", SEALED)
def test_a_sealed_file_that_is_not_ours_alone_stops_the_start(copy, name, fault):
    """Pass: exit code 1 within seconds, one sentence that names the file, and nothing changed inside or outside."""
    fault(copy.data / name, copy.outside)
    before = shape(copy.root)
    code, said = start(copy)
    assert code == 1 and said.count("\n") == 1 and said.startswith(f"cloister: {Path(name).name} in the data directory is refused: "), said
    assert shape(copy.root) == before


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", OWN)
def test_a_file_of_the_models_that_is_not_ours_alone_is_not_relied_on(copy, name, fault):
    """Pass: nothing outside changes, nothing hangs; what models were used before is not taken from such a file, nor forgotten."""
    fault(copy.data / name, copy.outside)
    outside = shape(copy.outside) if copy.outside.is_file() else None
    assert copy.run("models", "list", "--data", copy.data).returncode == 0
    added = copy.run("models", "add", GUIDE, "--name", "more", "--data", copy.data, check=False)
    removed = copy.run("models", "remove", "mine", "--data", copy.data, check=False)
    for result in (added, removed):
        assert result.returncode in (0, 1) and result.stderr.count("\n") <= 1, result.stderr
    if name == "models/models.json":
        assert added.returncode == 1 and "which remembers the models" in added.stderr
    if outside:
        assert {k: v[3] for k, v in shape(copy.outside).items()} == {k: v[3] for k, v in outside.items()}
    else:
        assert not os.path.lexists(copy.outside), "something was made outside"


@pytest.mark.parametrize("name", ["", "models"])
def test_a_folder_that_is_a_link_or_open_is_refused(copy, name):
    """Pass: neither serves from behind a link, nor writes there, nor deletes there; an open folder is refused."""
    place = copy.data / name if name else copy.data
    os.replace(place, copy.outside)
    place.symlink_to(copy.outside)
    before = shape(copy.outside)
    for command in (["models", "add", GUIDE, "--name", "more"], ["models", "remove", "mine"], ["models", "default", "mine"]):
        refused = copy.run(*command, "--data", copy.data, check=False)
        assert refused.returncode == 1 and refused.stderr.count("\n") == 1, (command, refused.stderr)
    if not name:
        code, said = start(copy)
        assert code == 1 and "symbolic link" in said
    assert shape(copy.outside) == before
    place.unlink()
    os.replace(copy.outside, place)
    place.chmod(0o755)
    refused = copy.run("models", "add", GUIDE, "--name", "more", "--data", copy.data, check=False)
    assert refused.returncode == 1 and "0700" in refused.stderr
    if not name:
        code, said = start(copy)
        assert code == 1 and "0700" in said


@pytest.mark.parametrize("fault, said", [(symlink, "symbolic link"), (dangling, "refused"), (readable, "0700"), (fifo, "refused")])
def test_an_archive_folder_that_is_not_ours_alone_stops_the_start(copy, fault, said):
    """Pass: one sentence, and nothing changed inside or outside."""
    place = copy.data / "archive"
    if fault in (dangling, fifo):
        shutil.rmtree(place)
        place.touch()
    fault(place, copy.outside)
    if fault is readable:
        place.chmod(0o755)
    before = shape(copy.root)
    code, text = start(copy)
    assert code == 1 and text.count("\n") == 1 and said in text, text
    assert shape(copy.root) == before


def test_an_archive_of_an_earlier_version_is_moved_into_its_folder(copy):
    """Its log too, so that what was written last is there; a second one is not written over."""
    for path in (copy.data / "archive").iterdir():
        path.rename(copy.data / path.name)
    (copy.data / "archive").rmdir()
    assert start(copy) == (None, "")
    assert requests.get(copy.url + "/history/s", headers=copy.headers).json()["total_messages"] == 2
    assert not list(copy.data.glob("archive.sqlite*"))
    copy.server.terminate()
    copy.server.wait(20)
    (copy.data / "archive.sqlite").touch(mode=0o600)
    before = shape(copy.data / "archive")
    code, said = start(copy)
    assert code == 1 and said.count("\n") == 1 and shape(copy.data / "archive") == before


def test_what_lies_where_the_socket_goes_is_not_followed(copy):
    """Pass: a link is taken away, what it leads to stays as it is."""
    copy.outside.write_text("mine")
    (copy.data / "cloister.sock").symlink_to(copy.outside)
    assert start(copy) == (None, "") and copy.outside.read_text() == "mine"
    assert stat.S_ISSOCK((copy.data / "cloister.sock").lstat().st_mode)
    assert stat.S_IMODE((copy.data / "cloister.sock").lstat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("fault", [symlink, dangling, hard_link, fifo, folder, writable])
def test_a_file_that_is_replaced_while_it_runs_harms_nothing_outside(copy, fault):
    """Pass: the server lives, says what it cannot do, and what lies outside keeps its content; the next start refuses."""
    assert start(copy) == (None, "")
    marker = copy.root / "victim"
    marker.write_text("mine")
    for name in ("archive/archive.sqlite-wal", "archive/archive.sqlite-shm", "node.key", "models/models.json"):
        (copy.root / name.replace("/", "-")).unlink(missing_ok=True)
        if fault is dangling:
            (copy.data / name).unlink()
            (copy.data / name).symlink_to(marker)
        else:
            fault(copy.data / name, copy.root / name.replace("/", "-"))
    for number in range(20):
        reply = requests.post(copy.url + "/chat", json={"message": f"{number}", "session_id": "s"}, headers=copy.headers, timeout=20)
        assert reply.status_code in (200, 500)
    backup = copy.run("backup", copy.root / "b", "--data", copy.data, check=False)
    assert backup.returncode in (0, 1)
    assert is_alive(copy.server) and marker.read_text() == "mine"
    copy.server.terminate()
    copy.server.wait(20)
    code, said = start(copy)
    assert code == 1 and "is refused" in said


def test_whatever_the_umask_files_are_private(home):
    """Pass: with a umask of 000 everything that is made has mode 0600 or 0700: data, recovery code, backup, and what the client keeps."""
    done = subprocess.run(
        ["sh", "-c", 'umask 000; touch control; "$0" init --data data --owner Ada --passphrase-file passphrase --recovery-out recovery'
         ' && "$0" models add "$1" --name mine --data data && "$0" keys create --label x --data data --owner Ada --passphrase-file passphrase'
         ' && "$0" chat "What is Cloister?" --data data --owner Ada --passphrase-file passphrase && "$0" backup b.cloister --data data',
         conftest.BINARY, GUIDE], cwd=home.root, env=home.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((home.root / "control").stat().st_mode) == 0o666, "the control: this umask closes nothing"
    made = [home.root / "recovery", home.root / "b.cloister", home.data, *home.data.rglob("*"), *(home.root / ".local").rglob("*")]
    assert len(made) > 8
    assert {str(path): oct(path.lstat().st_mode) for path in made if stat.S_IMODE(path.lstat().st_mode) & 0o077} == {}


@pytest.mark.parametrize("option", ["--recovery-out", "backup"])
def test_what_is_written_for_a_person_follows_no_link(home, option):
    """Pass: the recovery code and a backup are not written through a link that waits for them."""
    outside, place = home.root / "outside", home.root / "place"
    place.symlink_to(outside)
    if option == "backup":
        home.init()
        done = home.run("backup", place, "--data", home.data, check=False)
    else:
        done = home.owner("init", "--recovery-out", place, check=False)
    assert not outside.exists(), done.stdout
    assert done.returncode == 1 if option != "backup" else place.is_file() and not place.is_symlink()
