#!/usr/bin/env python3
"""What the walls cost: a server of several processes beside one of a single process, in interleaved rounds.

  python3 Benchmarks/processes.py model.gguf --binary .build/release/cloister --beside OTHER/.build/release/cloister --rounds 5

OTHER is a build of the last version whose server was one process (commit a395a3b). Without --beside, only this one is measured.
Read the ratios; seconds are this machine's at that moment. Linux only: memory and processor time come from /proc.
"""
import argparse
import json
import statistics
import time
from pathlib import Path

from machine import processor_seconds
from servers import Cloister, family


def roles(pid):
    """Each process of a server: its role, `first` for the one that was started."""
    found = {pid: "first"}
    for child in family(pid)[1:]:
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        found[child] = words[2].decode() if words[:2] == [b"cloister", b"role"] else "?"
    return found


def private_memory(pid):
    """Kilobytes that are this process's alone and no file's."""
    return int(next(line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("RssAnon")))


def answer(server, tokens):
    """Seconds to the first text, from its arrival to the last, and pieces."""
    body = {"model": "default", "stream": True, "max_tokens": tokens, "temperature": 0, "messages": [{"role": "user", "content": "Tell me of bees, at length, and of honey."}]}
    begin, first, last, count = time.monotonic(), None, None, 0
    connection, reply = server.open("/v1/chat/completions", body)
    for line in reply:
        if line.startswith(b"data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
            last = time.monotonic()
            first, count = first or last, count + 1
    connection.close()
    return first - begin, last - first, count


def measure(server, model, threads, tokens):
    """One round: from the start of the server to its first answer, and a long answer."""
    with server.running(model, threads):
        first, _, _ = answer(server, 1)
        answer(server, 8)
        before = {pid: processor_seconds(pid) for pid in roles(server.process.pid)}
        wait, took, count = answer(server, tokens)
        parts = roles(server.process.pid)
        used = {}
        for pid, role in parts.items():
            used[role] = used.get(role, 0) + processor_seconds(pid) - before.get(pid, 0)
        memory = {}
        for pid, role in parts.items():
            memory.setdefault(role, []).append(private_memory(pid))
    return {"start to first text": first, "first text": wait, "pieces a second": (count - 1) / took, "cpu": {role: seconds / count for role, seconds in used.items()}, "memory": memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="a GGUF file that talks for long; without one, the guide")
    parser.add_argument("--binary", default=".build/release/cloister")
    parser.add_argument("--beside")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    servers = {"this": Cloister(options.binary)} | ({"beside": Cloister(options.beside)} if options.beside else {})
    rounds = {name: [] for name in servers}
    for number in range(options.rounds):
        for name in sorted(servers, reverse=number % 2 == 1):
            rounds[name].append(measure(servers[name], options.model, options.threads, options.tokens))
    for name, measured in rounds.items():
        print(name)
        for key, unit in (("start to first text", "s"), ("first text", "s"), ("pieces a second", "")):
            values = [round[key] for round in measured]
            print(f"  {key:22} median {statistics.median(values):8.3f} {unit}  (from {min(values):.3f} to {max(values):.3f})")
        for role in sorted(measured[0]["cpu"]):
            cpu = statistics.median(round["cpu"].get(role, 0) for round in measured) * 1e6
            memory = [kilobytes for round in measured for kilobytes in round["memory"].get(role, [])]
            print(f"  {role:12} {cpu:8.0f} µs of processor a piece   private memory {min(memory) / 1024:6.1f} to {max(memory) / 1024:6.1f} MiB")
    if options.beside:
        pairs = list(zip(rounds["this"], rounds["beside"]))
        print("this / beside, pairwise medians")
        print(f"  throughput            {statistics.median(a['pieces a second'] / b['pieces a second'] for a, b in pairs):.3f}")
        print(f"  start to first text   {statistics.median(a['start to first text'] - b['start to first text'] for a, b in pairs):+.3f} s")
        print(f"  first text            {statistics.median(a['first text'] - b['first text'] for a, b in pairs):+.3f} s")


if __name__ == "__main__":
    main()
