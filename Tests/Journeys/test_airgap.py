"""The air gap: what the kernel saw while a person worked, in which networks the processes are, and that nobody can take it away."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import conftest
from conftest import BINARY, PASSPHRASE
from registry import OLLAMA
from test_processes import cells, roles
from test_pull import registry  # noqa: F401 (a fixture)
from test_pull_network import MACHINE, mounts, needs_strace
sys.path.insert(0, str(Path(__file__).parent / "attacks"))
from channel import Channel, Refused  # noqa: E402

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="not shown: the kernel tells only root of another's namespaces")
# AF_NETLINK is the kernel itself: the C library asks it (and nscd, whether that has asked) which addresses this machine has when it is to listen on one.
ADDRESSED = re.compile(r"\b(?:connect|sendto|sendmsg|sendmmsg)\(.*sa_family=(?!AF_UNIX|AF_NETLINK|AF_UNSPEC)")
RESOLVING = ("resolv.conf", "/etc/hosts", "nsswitch.conf", "htons(53)")
TARGET = re.compile(r"sin_port=htons\((\d+)\), sin_addr=inet_addr\(\"127\.0\.0\.1\"\)")


def namespace(process):
    return os.readlink(f"/proc/{process}/ns/net")


def family(server):
    """Everything that a server started, by number."""
    return [process for processes in roles(server).values() for process in processes]


def user_namespaces():
    return subprocess.run(["unshare", "-Un", "true"], capture_output=True).returncode == 0


needs_namespaces = pytest.mark.skipif(not user_namespaces(), reason="not shown: no user namespace can be made here")


def traced(home, name, *arguments):
    """The server, whose network calls are written down; its number is its own."""
    script = home.root / name
    script.write_text(f'#!/bin/sh\nexec strace -D -f -qq -s 256 -e trace=network,openat -o {home.root / name}.trace "{BINARY}" "$@"\n')
    script.chmod(0o755)
    conftest.BINARY = str(script)
    try:
        return home.serve(*arguments)
    finally:
        conftest.BINARY = BINARY


def calls(trace):
    """One line for each call, also where another thread's came between."""
    whole, begun = [], {}
    for line in trace.read_text().splitlines():
        thread, _, text = line.partition(" ")
        if text.endswith("<unfinished ...>"):
            begun[thread] = text.removesuffix(" <unfinished ...>")
        elif text.lstrip().startswith("<... "):
            whole.append(f"{thread} {begun.pop(thread, '')}{text.partition(' resumed>')[2]}")
        else:
            whole.append(line)
    return whole + [f"{thread} {text}" for thread, text in begun.items()]


def journey(home, server):
    """What a person does first: set up, unlock, ask, read the answer as it comes, lock; then a question from the command line."""
    token = re.search(r"setup=([\w-]+)", server.link)[1]
    Channel(home.port, {"create": {"token": token, "name": "Ada", "passphrase": PASSPHRASE, "keep": True}})
    channel = Channel(home.port, {"passphrase": {"name": "Ada", "passphrase": PASSPHRASE}})
    conversation = channel.ask("conversations.create", {"offRecord": False})["id"]
    pieces = channel.pieces("conversations.send", {"text": "What is Cloister?"}, conversation)
    assert len(pieces) > 3, "it came as a stream"
    aimed = {word for one in family(server) for word in Path(f"/proc/{one}/cmdline").read_bytes().decode().split("\0")}
    evidence = channel.ask("evidence")
    channel.ask("lock")
    with pytest.raises(Refused):
        channel.ask("conversations")
    assert home.owner("chat", "What is Cloister?").stdout.startswith("Cloister is")
    return aimed, evidence


@needs_strace
@pytest.mark.parametrize("arguments", [["--air-gap"], []])
def test_the_main_journey_addresses_nobody(home, arguments):
    """Pass: whatever connects or sends to an address that is no path is a self-test: to this machine, to its own listeners, and the kernel refused it. No resolver is
    asked and none of its files is read."""
    server = traced(home, "server", *arguments)
    aimed, _ = journey(home, server)
    home.stop(server)
    time.sleep(0.5)
    seen = calls(home.root / "server.trace")
    addressed = [call for call in seen if ADDRESSED.search(call)]
    assert addressed, "the trace saw the self-tests try, so it would see others"
    others = [call for call in addressed if not ((port := TARGET.search(call)) and port[1] in aimed and call.rstrip().endswith("EPERM (Operation not permitted)"))]
    assert others == [], others[:5]
    asked = [call for call in seen if any(name in call for name in RESOLVING)]
    assert asked == [], asked[:5]


@needs_strace
def test_a_pull_is_seen_by_the_same_trace(home, registry):
    """The control: without an air gap somebody is dialled, and this is what it looks like."""
    trace = home.root / "pull.trace"
    subprocess.run(["strace", "-f", "-qq", "-e", "trace=network,openat", "-o", trace, BINARY, "models", "pull", OLLAMA, "--registries", registry.setting, "--data", home.data],
                   env=home.environment, stdin=subprocess.DEVNULL, check=True, capture_output=True, timeout=60)
    dialled = [call for call in calls(trace) if ADDRESSED.search(call)]
    assert dialled and {TARGET.search(call)[1] for call in dialled} == {str(registry.port)}


@needs_strace
@needs_namespaces
def test_a_name_that_is_looked_up_is_seen_by_the_same_trace(home):
    """The control for names, in an empty network of its own: no packet can leave it."""
    trace = home.root / "pull.trace"
    subprocess.run(["unshare", "-rn", "strace", "-f", "-qq", "-e", "trace=network,openat", "-o", trace, BINARY, "models", "pull", OLLAMA, "--registries", "ollama=https://models.example",
                    "--data", home.data], env=home.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert [call for call in calls(trace) if any(name in call for name in RESOLVING)]


@needs_root
@needs_namespaces
def test_under_an_air_gap_every_process_has_an_empty_network(home):
    server = home.serve("--air-gap")
    _, evidence = journey(home, server)
    Channel(home.port, {"passphrase": {"name": "Ada", "passphrase": PASSPHRASE}}).ask("conversations")
    confined = family(server)
    assert set(roles(server)) == {"gateway", "endpoints", "cell", "engine"}
    assert len({namespace(one) for one in confined}) == len(confined), "each has its own"
    for one in confined:
        assert namespace(one) != namespace(server.pid)
        devices = [line.split(":")[0].strip() for line in Path(f"/proc/{one}/net/dev").read_text().splitlines()[2:]]
        assert devices == ["lo"] and Path(f"/proc/{one}/net/if_inet6").read_text() == "", "no address, so it is down"
        capabilities = re.findall(r"Cap(?:Prm|Eff):\t(\w+)", Path(f"/proc/{one}/status").read_text())
        assert len(capabilities) == 2 and {int(value, 16) for value in capabilities} == {0}
    assert evidence["airGap"] == {"setBy": "a setting", "network": namespace(server.pid)}
    apart = [process for process in evidence["confined"] if process["role"] != "supervisor"]
    assert {process["role"] for process in apart} == {"gateway", "endpoints", "cell", "engine"}
    assert evidence["accepted"] >= 1, "the gateway's connections are those of the server's network"
    for process in apart:
        assert process["network"]["interfaces"] == ["lo"] and process["network"]["name"] != namespace(server.pid)
        assert {attempt.get("refusal") for attempt in process["attempts"] if attempt["name"].startswith(("TCP", "UDP"))} == {"EPERM"}, "it is the filter that refuses"
    tried = Channel(home.port, {"passphrase": {"name": "Ada", "passphrase": PASSPHRASE}}).ask("evidence.breakout")["confined"]
    apart = [process for process in tried if process["role"] != "supervisor"]
    assert len(apart) == 4 and all(process["network"]["name"] != namespace(server.pid) for process in apart)


@needs_root
def test_without_an_air_gap_they_share_the_servers_network(served):
    """The control."""
    assert {namespace(one) for one in family(served.server)} == {namespace(served.server.pid)}
    evidence = Channel(served.port, {"passphrase": {"name": "Ada", "passphrase": PASSPHRASE}}).ask("evidence")
    assert "setBy" not in evidence["airGap"] and not [process for process in evidence["confined"] if process.get("network")]


def doctor(home, prefix, *arguments, **environment):
    result = subprocess.run([*prefix, BINARY, "doctor", "--json", "--data", home.data, "--port", str(home.port), *map(str, arguments)],
                            env=home.environment | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return {check["check"]: check for check in json.loads(result.stdout)["checks"]}


def test_the_doctor_says_whether_the_gap_is_set_and_enforced(home, registry):
    off = doctor(home, [])
    assert off["airgap"]["evidence"].startswith("off, and no registry") and "its role allows: TCP connection" in off["courier"]["evidence"]
    assert "1 configured registry" in doctor(home, [], CLOISTER_REGISTRIES=f"ollama={registry.origin}")["airgap"]["evidence"]
    for arguments, environment in ((["--air-gap"], {}), ([], {"CLOISTER_AIR_GAP": "true"})):
        on = doctor(home, [], *arguments, **environment)
        assert on["airgap"]["evidence"].startswith("on, by a setting") and on["courier"]["evidence"].startswith("there is none")
        assert "cell in net:[" in on["airgap"]["evidence"] or not user_namespaces()


@needs_namespaces
def test_where_namespaces_are_forbidden_it_is_said_and_the_filter_holds(home):
    forbidding = ["unshare", "-Ur", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh"]
    checks = doctor(home, forbidding, "--air-gap")
    assert checks["airgap"]["state"] == "warning" and "not enforced: an empty network" in checks["airgap"]["evidence"] and "ENOSPC" in checks["airgap"]["evidence"]
    for role in ("gateway", "endpoints", "cell", "engine"):
        assert "30 of 30 attempts refused" in checks[role]["evidence"]


@pytest.mark.skipif(not mounts, reason="no mount namespace can be made here")
@pytest.mark.parametrize("policy,said", [('{"air-gap": true}', "on, by the machine's policy"), ('{"air-gap": false}', "off")])
def test_neither_flag_nor_environment_nor_file_takes_the_machines_air_gap_away(home, policy, said):
    (home.root / "open.json").write_text('{"air-gap": false}')
    wish = {"CLOISTER_AIR_GAP": "false", "CLOISTER_POLICY": str(home.root / "open.json"), "POLICY": policy, "MODE": "644"}
    machine = ["unshare", "-rm", "sh", "-c", MACHINE, "sh"]
    assert doctor(home, machine, "--config", home.root / "open.json", **wish)["airgap"]["evidence"].startswith(said)
    for flag in ("--no-air-gap", "--air-gap=false"):
        refused = subprocess.run([*machine, BINARY, "serve", flag, "--data", home.data], env=home.environment | wish, capture_output=True, timeout=60)
        assert refused.returncode == 64, "there is no such flag"
    server = subprocess.Popen([*machine, BINARY, "serve", "--data", home.data, "--port", str(home.port), "--config", home.root / "open.json"],
                              env=home.environment | wish, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    home.processes.append(server)
    lines = "".join(iter(server.stdout.readline, "")) if server.poll() is not None else "".join(server.stdout.readline() for _ in range(6))
    assert ("air gap    on, by the machine's policy" in lines) == (said != "off"), lines
