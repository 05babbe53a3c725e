#!/usr/bin/env python3
"""How much faster an answer is that quotes its prompt, and whether one that does not is slower for it, through the server, in rounds.

    python3 Benchmarks/make_model.py counting.gguf --shape billion --type Q4_K_M --counting
    python3 Benchmarks/quoting.py counting.gguf --binary .build/release/cloister --beside OTHER/.build/release/cloister --threads 4 --rounds 5

The model counts. A prompt that holds the numbers to come is quoted as it stands; one in which every eighth number is another is quoted with corrections; one of other
numbers is not quoted. Every answer must be the right numbers, so that a faster one is never another one. OTHER is a build to compare with, for example
the last one before a change; with --llama the peer runs too, with what --llama-flags says, for example `--spec-type ngram-simple`.
"""

import argparse
import itertools
import random
import statistics

from machine import Others, wait_for_quiet
from servers import Cloister, Completion, LlamaServer

PASSAGE = 800  # numbers, a token each
EDITED = 8  # every so many
CONTEXT = 2_048
starts = itertools.count(10_000, 2 * PASSAGE)  # No two prompts share a number, so that nothing is known from before.


def others(count):
    return random.Random(count).sample(range(100_000, 125_000), count)


def prompts():
    """The kinds of prompts: numbers of a passage, then the number after which the answer begins."""
    quoted, edited, free = (next(starts) for _ in range(3))
    passage = list(range(edited, edited + PASSAGE))
    passage[::EDITED] = others(len(passage[::EDITED]))
    return {"quoted": (list(range(quoted, quoted + PASSAGE)), quoted + PASSAGE // 4), "quoted with corrections": (passage, edited + PASSAGE // 4 + 1),
            "not quoted": (others(PASSAGE), free)}


def rates(server, options):
    """Tokens a second of each kind."""
    with server.running(options.model, options.threads, CONTEXT):
        Completion(server, "1000 1001", 4).wait()
        found = {}
        for kind, (passage, last) in prompts().items():
            answer = Completion(server, " ".join(map(str, [*passage, last])), options.tokens).wait()
            right = "".join(f" {last + 1 + index}" for index in range(options.tokens))
            assert answer.text == right, f"{kind}: the answer is wrong from {answer.text[:60]!r}, wanted {right[:60]!r}"
            found[kind] = answer.rate
    return found


def said(ratios):
    ratios = sorted(ratios)
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="made with --counting")
    parser.add_argument("--binary", default=".build/release/cloister")
    parser.add_argument("--beside", metavar="BINARY", help="another build")
    parser.add_argument("--llama", help="the folder of llama.cpp's binaries")
    parser.add_argument("--llama-flags", default="", help="one string, for example --llama-flags='--spec-type ngram-simple'")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--wait", type=int, default=60, help="seconds to wait for a quiet machine")
    options = parser.parse_args()
    servers = {"this": Cloister(options.binary)}
    if options.beside:
        servers["beside"] = Cloister(options.beside)
    if options.llama:
        servers["llama-server"] = LlamaServer(options.llama, options.llama_flags.split())
    wait_for_quiet(options.wait)
    rounds = {name: [] for name in servers}
    with Others() as others:
        for number in range(options.rounds):
            for name in sorted(servers, reverse=number % 2 == 1):
                rounds[name].append(rates(servers[name], options))
    for name, found in rounds.items():
        print(name)
        for kind in found[0]:
            line = f"  {kind:24} {statistics.median(each[kind] for each in found):7.1f} tokens/s, {said([each[kind] / each['not quoted'] for each in found])} of not quoted"
            print(line + ("" if name == "this" else f"; this is {said([ours[kind] / each[kind] for ours, each in zip(rounds['this'], found)])} times as fast"))
    print(f"others took {others.cores:.1f} cores")


if __name__ == "__main__":
    main()
