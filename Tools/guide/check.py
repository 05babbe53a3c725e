"""Asks the built-in guide every held-out question through a running Cloister, greedily, and counts.

    python3 Tools/guide/check.py --binary .build/release/cloister

Right: the answer is the intent's own. Declined: the answer is the decline. A follow-up is asked after the right first answer.
Exit code 1 if less than 90 % of the paraphrases and follow-ups are right or less than 90 % of the others declined, or if the held-out files changed.
Standard library only.
"""

import argparse
import hashlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from corpus import DECLINE, HERE, follow_ups, held_out, load

MARK = 0.90


def frozen() -> bool:
    sums = [line.split() for line in (HERE / "heldout/SHA256SUMS").read_text().splitlines()]
    return all(hashlib.sha256((HERE / "heldout" / name).read_bytes()).hexdigest() == digest for digest, name in sums)


class Guide:
    """A Cloister of its own, asked over its API."""

    def __init__(self, binary: str, folder: str):
        secret = Path(folder, "passphrase")
        secret.write_text("a passphrase for one check\n")
        who = ["--data", f"{folder}/data", "--owner", "check", "--passphrase-file", str(secret)]
        environment = {"HOME": folder, "PATH": "/usr/bin:/bin"}
        run = lambda *a: subprocess.run([binary, *a], env=environment, check=True, capture_output=True, text=True).stdout
        run("init", *who, "--recovery-out", f"{folder}/recovery")
        self.key = run("keys", "create", *who, "--label", "check").split()[-1]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.server = subprocess.Popen(
            [binary, "serve", "--data", f"{folder}/data", "--port", str(self.port)], env=environment, stdout=subprocess.PIPE, text=True
        )
        for line in self.server.stdout:
            if re.search("http://", line):
                return
        raise SystemExit("the server did not start")

    def answer(self, *turns: str) -> str:
        messages = [{"role": "user" if i % 2 == 0 else "assistant", "content": text} for i, text in enumerate(turns)]
        body = json.dumps({"model": "default", "messages": messages, "temperature": 0}).encode()
        request = urllib.request.Request(
            f"http://localhost:{self.port}/v1/chat/completions", body, {"Authorization": f"Bearer {self.key}"}
        )
        return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--show", action="store_true", help="print what was answered wrongly")
    options = parser.parse_args()
    if not frozen():
        sys.exit("the held-out questions were changed")
    pairs, outside = held_out()
    answers = load()[0] | {"outside": DECLINE}
    intents = {answer: intent for intent, answer in answers.items()}
    asked = {
        "answered rightly": [(intent, [question]) for intent, question in pairs],
        "declined": [("outside", [question]) for question in outside],
        "follow-ups answered rightly": [(second_intent, [first, answers[intent], second]) for intent, first, second, second_intent in follow_ups()],
    }
    right = {}
    with tempfile.TemporaryDirectory() as folder:
        guide = Guide(options.binary, folder)
        try:
            for kind, questions in asked.items():
                given = [(intent, turns, guide.answer(*turns)) for intent, turns in questions]
                right[kind] = sum(answer == answers[intent] for intent, _, answer in given)
                print(f"held out: {right[kind] / len(given):.1%} of {len(given)} {kind}")
                for intent, turns, answer in given:
                    if options.show and answer != answers[intent]:
                        print(f"    {intent}: {turns[-1]} → {intents.get(answer, answer)}")
        finally:
            guide.server.terminate()
            guide.server.wait()
    share = lambda *kinds: sum(right[kind] for kind in kinds) / sum(len(asked[kind]) for kind in kinds)
    marks = {"answered rightly, follow-ups included": share("answered rightly", "follow-ups answered rightly"), "declined": share("declined")}
    for what, reached in marks.items():
        print(f"{reached:.1%} {what} (mark {MARK:.0%})")
    sys.exit(0 if min(marks.values()) >= MARK else 1)


if __name__ == "__main__":
    main()
