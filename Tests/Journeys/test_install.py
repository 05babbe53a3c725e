"""Installed into a folder, run from there, and taken away again; the data stays."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import BINARY

SCRIPTS = Path(__file__).resolve().parents[2] / "Scripts"


class Place:
    """A folder that stands for the whole file system."""

    def __init__(self, home):
        self.home, self.root = home, home.root / "destination"
        self.environment = home.environment | {"DESTDIR": str(self.root)}

    def script(self, name, *arguments, check=True, cwd=SCRIPTS.parent):
        result = subprocess.run([SCRIPTS / name, *map(str, arguments)], env=self.environment, cwd=cwd, capture_output=True, text=True)
        assert not check or result.returncode == 0, result.stderr
        return result

    def install(self, *arguments, **more):
        return self.script("install", "--binary", BINARY, *arguments, **more)

    def files(self):
        return {"/" + str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file()} if self.root.exists() else set()

    def path(self, path):
        return self.root / str(path).lstrip("/")

    def run(self, *arguments, prefix="/usr/local"):
        return subprocess.run([self.path(prefix) / "bin/cloister", *arguments], env=self.home.environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def place(home):
    return Place(home)


def test_it_installs_runs_and_goes_and_the_data_stays(place):
    data = place.path("/var/lib/cloister/archive.sqlite")
    data.parent.mkdir(parents=True)
    data.write_text("sealed")
    place.install()
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", place.run("--version").stdout)
    files = place.files()
    assert {"/usr/local/bin/cloister", "/etc/systemd/system/cloister.service", "/etc/sysusers.d/cloister.conf",
            "/usr/local/share/man/man1/cloister.1", "/usr/local/share/man/man1/cloister-keys-create.1",
            "/usr/local/share/bash-completion/completions/cloister"} <= files
    assert os.access(place.path("/usr/local/bin/cloister"), os.X_OK)
    said = place.script("uninstall").stdout
    assert "/var/lib/cloister" in said and place.files() == {"/var/lib/cloister/archive.sqlite"}
    assert place.script("uninstall", check=False).returncode == 1


def test_prefix_user_and_no_service_are_honoured(place):
    place.install("--prefix", "/opt/cloister", "--no-service")
    assert place.run("--version", prefix="/opt/cloister").returncode == 0
    assert all(f.startswith("/opt/cloister/") for f in place.files())
    place.script("uninstall", "--prefix", "/opt/cloister")
    place.install("--user", cwd="/")
    home = place.home.root
    assert place.files() and all(f.startswith((f"{home}/.local/", f"{home}/.config/systemd/user/")) for f in place.files())
    unit = place.path(home / ".config/systemd/user/cloister.service").read_text()
    assert f"ExecStart={home}/.local/bin/cloister serve" in unit
    assert str(home) in place.script("uninstall", "--user").stdout and not place.files()
    assert place.install("--what", check=False).returncode == 64


def test_a_second_installation_replaces_the_first_and_leaves_no_old_file(place):
    place.install()
    before = place.files()
    old = place.path("/usr/local/share/man/man1/cloister-gone.1")
    old.write_text("old")
    with open(place.path("/usr/local/share/cloister/installed"), "a") as installed:
        installed.write("/usr/local/share/man/man1/cloister-gone.1\n")
    place.install()
    assert place.files() == before


@pytest.mark.parametrize("arguments,path", [((), "/etc/systemd/system"), (("--user",), "{home}/.config/systemd/user")])
def test_the_unit_is_valid_and_tight(place, arguments, path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    place.install(*arguments)
    unit = place.path(path.format(home=place.home.root)) / "cloister.service"
    # systemd wants the binary at its place, which here is below the destination.
    unit.write_text(re.sub(r"ExecStart=", f"ExecStart={place.root}", unit.read_text()))
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert checked.returncode == 0 and "cloister.service" not in checked.stderr, checked.stderr
    if not arguments:
        security = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", unit], capture_output=True, text=True)
        assert security.returncode == 0, security.stdout


def test_the_man_pages_say_what_the_help_says(place):
    if not shutil.which("groff"):
        pytest.skip("groff is not here")
    place.install("--no-service")
    pages = sorted(place.path("/usr/local/share/man/man1").glob("*.1"))
    assert len(pages) > 20
    for page in pages:
        shown = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-P-cbou", page], capture_output=True, text=True)
        assert shown.returncode == 0 and shown.stderr == "", f"{page.name}: {shown.stderr}"
        command = re.sub(r"(import|export)-(fernet)", r"\1~\2", page.stem).split("-")[1:]
        text = place.home.run(*[w.replace("~", "-") for w in command], "--help").stdout
        for flag in re.findall(r"^  (--[a-z-]+)", text, re.M):
            assert flag in shown.stdout.replace("‐", "-").replace("−", "-"), f"{page.name} does not name {flag}"
