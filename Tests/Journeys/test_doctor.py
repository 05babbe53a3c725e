"""`cloister doctor`: what it says is what is there, and it changes nothing."""

import hashlib
import json
import os
import re
import socket
import time
from pathlib import Path

import conftest

CHECKS = ["data", "server", "port", "tls", "permissions", "database", "disk", "model", "models", "processor", "backtraces", "coredumps", "swap", "clock", "airgap", "keys", "build", "processes", "supervisor", "gateway", "endpoints", "cell", "engine", "courier"]


def doctor(home, *arguments):
    result = home.run("doctor", "--data", home.data, "--port", home.port, "--json", *arguments, check=False)
    report = json.loads(result.stdout)
    assert [c["check"] for c in report["checks"]] == CHECKS and report["version"]
    assert all(set(c) == {"check", "state", "evidence", "remedy"} for c in report["checks"])
    assert result.returncode == any(c["state"] == "problem" for c in report["checks"])
    assert all(bool(c["remedy"]) == (c["state"] != "ok") for c in report["checks"])
    return {c["check"]: c for c in report["checks"]}


def snapshot(home):
    return sorted((str(p.relative_to(home.root)), p.lstat().st_mode) for p in home.root.rglob("*"))


def test_a_fresh_home_is_well_and_stays_as_it_was(home):
    before = snapshot(home)
    checks = doctor(home)
    assert "not there yet" in checks["data"]["evidence"] and checks["backtraces"]["state"] == "ok" and checks["coredumps"]["state"] == "ok"
    assert checks["build"]["evidence"].startswith(f"SHA-256 {hashlib.sha256(Path(conftest.BINARY).read_bytes()).hexdigest()};")
    assert snapshot(home) == before
    table = home.run("doctor", "--data", home.data, "--port", home.port, check=False).stdout
    assert all(any(line.split()[:2] == [c["state"], name] for line in table.splitlines()) for name, c in checks.items())


def test_a_running_server_is_seen_with_its_process(served):
    checks = doctor(served)
    assert f"process {served.server.pid} " in checks["server"]["evidence"] and checks["server"]["state"] == "ok"
    assert checks["port"]["state"] == "ok" and "taken" in checks["port"]["evidence"]
    assert "a server has it open" in checks["database"]["evidence"]
    for process in ("supervisor", "gateway", "endpoints", "cell", "engine"):
        assert re.search(rf"{process} \d+: (\d+) of \1 threads filtered, ", checks["processes"]["evidence"])
    with socket.create_connection(("127.0.0.1", served.port)) as caller:
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        time.sleep(0.2)
        counted = re.findall(r"(\d+) connections", doctor(served)["processes"]["evidence"])
        assert os.geteuid() != 0 or sum(map(int, counted)) >= 1
    served.stop(served.server)
    checks = doctor(served)
    assert checks["server"]["evidence"].startswith("no server") and "quick_check finds nothing" in checks["database"]["evidence"]


def test_what_is_wrong_is_a_problem_with_a_remedy(home):
    home.init()
    before = snapshot(home)
    assert doctor(home)["permissions"]["state"] == "ok"
    assert snapshot(home) == before
    os.chmod(home.data / "node.key", 0o644)
    assert "node.key has mode 644" in doctor(home)["permissions"]["evidence"]
    os.chmod(home.data, 0o755)
    checks = doctor(home)
    assert "others may read" in checks["data"]["evidence"] and "the directory is refused" in checks["database"]["evidence"]
    os.chmod(home.data, 0o700)
    with socket.socket() as other:
        other.bind(("127.0.0.1", home.port))
        other.listen()
        assert doctor(home)["port"]["state"] == "problem"
    assert 'no model "nothing"' in doctor(home, "--model", "nothing")["model"]["evidence"]
    database = home.data / "archive/archive.sqlite"
    content = bytearray(database.read_bytes())
    content[4096 + 100:3 * 4096] = bytes(2 * 4096 - 100)
    database.write_bytes(content)
    assert doctor(home)["database"]["state"] == "problem"
