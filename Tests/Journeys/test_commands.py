"""The command line: each mistake gets a sentence, nothing is lost."""

import os
import stat

import pytest

from conftest import BINARY, PASSPHRASE, SHARED


def test_the_owner_is_made_once_and_the_code_is_written_privately(home):
    home.init()
    code = (home.root / "recovery").read_text().strip()
    assert len(code.split("-")) == 9 and stat.S_IMODE(os.stat(home.root / "recovery").st_mode) == 0o600
    again = home.owner("init", check=False)
    assert again.returncode == 1 and "has an owner already" in again.stderr
    for path in home.data.rglob("*"):
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0


def test_chat_works_alone_and_beside_a_server(home):
    home.init()
    alone = home.owner("chat", "What is Cloister?").stdout
    home.serve()
    beside = home.owner("chat", "What is Cloister?").stdout
    assert len(alone) > 20 and alone == beside


def test_wrong_passphrases_are_refused_slowed_and_counted_across_restarts(home):
    home.init()
    (home.root / "wrong").write_text("wrong wrong wrong\n")
    def attempt(file):
        return home.run("keys", "list", "--data", home.data, "--owner", "Ada", "--passphrase-file", file, check=False)
    messages = [attempt(home.root / "wrong").stderr for _ in range(6)]
    assert all("do not belong together" in m for m in messages[:5])
    nobody = home.run("keys", "list", "--data", home.data, "--owner", "Nobody", "--passphrase-file", home.passphrase, check=False)
    assert nobody.stderr == messages[0], "an unknown name is told from a wrong passphrase"
    # The waits double; a slow machine needs some more tries until one is longer than a try takes.
    assert any("Too many attempts" in attempt(home.root / "wrong").stderr for _ in range(12))
    assert "Too many attempts" in attempt(home.passphrase).stderr


def test_a_changed_passphrase(home):
    home.init()
    (home.root / "new").write_text("a new long passphrase\n")
    (home.root / "short").write_text("short\n")
    weak = home.owner("passphrase", "change", "--new-passphrase-file", home.root / "short", check=False)
    assert weak.returncode == 1 and "at least 8 characters" in weak.stderr
    home.owner("passphrase", "change", "--new-passphrase-file", home.root / "new")
    assert home.owner("keys", "list", check=False).returncode == 1
    home.run("keys", "list", "--data", home.data, "--owner", "Ada", "--passphrase-file", home.root / "new")


def test_a_second_server_and_a_used_port_are_said(home):
    home.init()
    home.serve()
    second = home.run("serve", "--data", home.data, "--port", home.port + 1, check=False)
    assert second.returncode == 1 and "another Cloister has this data directory open" in second.stderr
    used = home.run("serve", "--data", home.root / "other", "--port", home.port, check=False)
    assert used.returncode == 1 and "port is in use" in used.stderr


def test_untrusted_directories_are_refused(home):
    home.data.mkdir(mode=0o755)
    os.chmod(home.data, 0o755)
    refused = home.run("serve", "--data", home.data, check=False)
    assert refused.returncode == 1 and "others may read" in refused.stderr
    os.chmod(home.data, 0o700)
    (home.root / "link").symlink_to(home.data)
    refused = home.run("serve", "--data", home.root / "link", check=False)
    assert refused.returncode == 1 and "symbolic link" in refused.stderr


@pytest.mark.parametrize("content,words", [
    (b"", "not a GGUF"), (b"hello", "not a GGUF"), (b"GGUF\x03\x00\x00\x00", "incomplete"),
    (b"GGUF\x03\x00\x00\x00" + b"\xff" * 64, "incomplete"), (b"GGUF\x01\x00\x00\x00" + b"\x00" * 64, "not a GGUF"),
])
def test_broken_models_are_refused_with_the_reason(home, content, words):
    (home.root / "m.gguf").write_bytes(content)
    refused = home.run("serve", "--data", home.data, "--model", home.root / "m.gguf", check=False)
    assert refused.returncode == 1 and words in refused.stderr


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared")
def test_a_truncated_model_is_refused_at_every_length(home):
    """B7: a model is data, checked before it is used."""
    whole = (SHARED / "models/stories260K-Q8_0.gguf").read_bytes()
    for count in range(0, len(whole) - 64, len(whole) // 12):
        (home.root / "m.gguf").write_bytes(whole[:count])
        refused = home.run("serve", "--data", home.data, "--model", home.root / "m.gguf", check=False)
        assert refused.returncode == 1 and refused.stderr.startswith("cloister: "), count


def test_unknown_settings_stop_the_start_and_name_the_nearest(home):
    home.environment["CLOISTER_PROT"] = "1"
    refused = home.run("serve", "--data", home.data, check=False)
    assert refused.returncode == 1 and 'did you mean "port"' in refused.stderr
    del home.environment["CLOISTER_PROT"]
    (home.root / "config.json").write_text('{"thread": 2}')
    refused = home.run("serve", "--config", home.root / "config.json", check=False)
    assert refused.returncode == 1 and 'did you mean "threads"' in refused.stderr
    refused = home.run("serve", "--prot", "1", check=False)
    assert refused.returncode != 0 and "--port" in refused.stderr


def test_settings_come_from_file_environment_and_flags_in_this_order(home):
    (home.root / "config.json").write_text('{"port": 70000}')
    refused = home.run("serve", "--data", home.data, "--config", home.root / "config.json", check=False)
    assert "port must be a number from 1 to 65535" in refused.stderr
    home.environment["CLOISTER_THREADS"] = "2"
    home.init()
    home.serve("--config", home.root / "config.json")
    assert len(os.listdir(f"/proc/{home.processes[0].pid}/task")) > 1


def test_a_node_that_changed_is_refused(home):
    home.init()
    home.owner("keys", "list")
    (home.data / "node.key").write_bytes(os.urandom(32))
    refused = home.owner("keys", "list", check=False)
    assert refused.returncode == 1 and "not the one that was pinned" in refused.stderr
