#!/usr/bin/env python3
"""What a person waits for: our server beside `llama-server`, through their HTTP APIs on loopback, in rounds and in turns.

    python3 Benchmarks/serve.py MODEL.gguf --binary .build/release/cloister --llama LLAMA.CPP/build/bin --threads 4 --rounds 5 --markdown

Both get the same text, context and threads and choose the likeliest token. The model should be one of make_model.py's `--counting`: it never ends and quotes nothing,
so that all answers are as long and none is guessed. Without --llama, only ours runs. --neighbours 0.4 measures an answer beside processes that want 40 % of
the cores, too. Read the ratios.
"""

import argparse
import itertools
import json
import random
import statistics
import time

from machine import Neighbours, Others, wait_for_quiet
from servers import Cloister, Completion, LlamaServer, resident

LONG, SHORT, PEOPLE, ANSWER = 2_000, 64, 8, 48  # tokens, tokens, conversations, tokens
CONTEXT = 2_560  # tokens a conversation
seeds = itertools.count()

# What is measured: its unit and the aim.
ASPECTS = {
    "start to first text, short prompt": ("s", "≤ 1.5 × theirs"),
    "resident with a conversation of 2,000 tokens": ("MiB", "≤ 1.1 × theirs"),
    "first text, 2,000 tokens, cold": ("s", "≤ 0.5 × theirs"),
    "first text, second turn": ("s", ""),
    "second turn / cold": ("", "≤ 0.05"),
    "one answer": ("tokens/s", ""),
    "one answer, beside neighbours": ("tokens/s", ""),
    "beside neighbours / quiet": ("", "≥ 0.5"),
    "longest gap in a stream, usual": ("s", ""),
    "longest gap while 2,000 tokens arrive": ("s", "≤ 0.15 s"),
    "8 at once, all tokens by wall time": ("tokens/s", "≥ 2.5 × theirs"),
    "8 at once, slowest / mean": ("", "≥ 0.7"),
    "newcomer's first text, alone": ("s", ""),
    "newcomer's first text, while 7 answer": ("s", ""),
    "newcomer, while 7 answer / alone": ("", "≤ 2"),
}


class Texts:
    """Prompts of about so many tokens, no two alike: numbers, counted once by the model's own tokenizer."""

    def __init__(self, server):
        answer = Completion(server, self.words(100), 2).wait()
        self.tokens_a_word = answer.usage["prompt_tokens"] / 100

    @staticmethod
    def words(count):
        source = random.Random(next(seeds))
        return " ".join(str(source.randrange(10_000, 100_000)) for _ in range(count))

    def of(self, tokens):
        return self.words(int(tokens / self.tokens_a_word))


def alone(server, options):
    """One person: the start, a cold prompt, a second turn, an answer; the server has one place."""
    begin = time.monotonic()
    with server.running(options.model, options.threads, CONTEXT):
        answer = Completion(server, Texts.words(8), 4).wait()
        found = {"start to first text, short prompt": answer.pieces[0] - begin}
        texts = Texts(server)
        prompt = texts.of(LONG)
        cold = Completion(server, prompt, 16).wait()
        turn = Completion(server, prompt + cold.text + " " + texts.of(16), 16).wait()
        found |= {"first text, 2,000 tokens, cold": cold.first, "first text, second turn": turn.first, "second turn / cold": turn.first / cold.first,
                  "resident with a conversation of 2,000 tokens": resident(server.process.pid) / (1 << 20),
                  "one answer": Completion(server, texts.of(SHORT), options.tokens).wait().rate}
        if options.neighbours:
            with Neighbours(options.neighbours) as neighbours:
                beside = Completion(server, texts.of(SHORT), options.tokens).wait().rate
            found |= {"one answer, beside neighbours": beside, "beside neighbours / quiet": beside / found["one answer"]}
            options.taken.append(neighbours.took)
    return found


def together(server, options):
    """Several people at once; the server has a place for each."""
    with server.running(options.model, options.threads, CONTEXT, PEOPLE):
        texts = Texts(server)
        return eight(server, texts) | newcomers(server, texts) | gaps(server, texts)


def eight(server, texts):
    answers = [Completion(server, prompt, ANSWER) for prompt in [texts.of(SHORT) for _ in range(PEOPLE)]]
    answers = [answer.wait() for answer in answers]
    wall = max(answer.pieces[-1] for answer in answers) - min(answer.begin for answer in answers)
    rates = [answer.usage["completion_tokens"] / answer.took for answer in answers]
    return {"8 at once, all tokens by wall time": sum(answer.usage["completion_tokens"] for answer in answers) / wall,
            "8 at once, slowest / mean": min(rates) / statistics.mean(rates)}


def newcomers(server, texts):
    """The first text of a short prompt, alone and while others get long answers; the median of three."""
    def newcomer():
        return statistics.median(Completion(server, texts.of(SHORT), 1).wait().first for _ in range(3))

    alone = newcomer()
    others = [Completion(server, texts.of(SHORT), CONTEXT - 2 * SHORT) for _ in range(PEOPLE - 1)]
    for answer in others:
        answer.wait_for(1)
    beside = newcomer()
    for answer in others:
        answer.cancel()
    return {"newcomer's first text, alone": alone, "newcomer's first text, while 7 answer": beside, "newcomer, while 7 answer / alone": beside / alone}


def gaps(server, texts):
    """The longest time between two pieces of a running answer, and the longest while another person's long prompt is read."""
    stream = Completion(server, texts.of(SHORT), CONTEXT - 2 * SHORT)
    stream.wait_for(32)
    arrival = Completion(server, texts.of(LONG), 1)
    arrival.wait()
    stream.cancel()
    between = list(itertools.pairwise(stream.pieces))
    usual = [after - before for before, after in between if after < arrival.begin]
    while_read = [after - before for before, after in between if after >= arrival.begin and before <= arrival.pieces[0]]
    return {"longest gap in a stream, usual": max(usual), "longest gap while 2,000 tokens arrive": max(while_read, default=arrival.first)}


def warm_up(server, options):
    """Brings the file into the page cache, and lets ours compute the digest of a file that it has never seen; seconds."""
    begin = time.monotonic()
    with server.running(options.model, options.threads, CONTEXT):
        return Completion(server, Texts.words(8), 1).wait().pieces[0] - begin


def measure(server, options):
    return {name: value for phase in (alone, together) if phase.__name__ in options.phases for name, value in phase(server, options).items()}


def digits(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(rounds, is_markdown):
    """Medians, and the median of the ratios of each round with the least and the most."""
    row = "| {} | {} | {} | {} | {} |" if is_markdown else "{:46}{:>20}{:>20}{:>24}  {}"
    print(row.format("", "ours", "llama-server", "ours / theirs", "aim"))
    if is_markdown:
        print("|---|---|---|---|---|")
    for name, (unit, aim) in ASPECTS.items():
        columns = [[measured[name] for measured in side if name in measured] for side in (rounds["ours"], rounds.get("theirs", []))]
        if not columns[0]:
            continue
        shown = [f"{digits(statistics.median(column))} {unit}".strip() if column else "" for column in columns]
        ratios = sorted(ours / theirs for ours, theirs in zip(*columns))
        shown.append(f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})" if ratios else "")
        print(row.format(name, *shown, aim))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--binary", default=".build/release/cloister")
    parser.add_argument("--llama", help="the folder of llama.cpp's binaries")
    parser.add_argument("--llama-flags", default="", help="more for llama-server, for example --no-warmup")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=96, help="of the one answer")
    parser.add_argument("--phases", nargs="+", choices=["alone", "together"], default=["alone", "together"])
    parser.add_argument("--neighbours", type=float, default=0, help="the share of the cores that they want, for example 0.4")
    parser.add_argument("--wait", type=int, default=60, help="seconds to wait for a quiet machine")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--save", help="a file to which each round is added as a line of JSON")
    options = parser.parse_args()
    options.taken = []
    servers = {"ours": Cloister(options.binary)} | ({"theirs": LlamaServer(options.llama, options.llama_flags.split())} if options.llama else {})
    wait_for_quiet(options.wait)
    for name, server in servers.items():
        print(f"{name}, the very first start to the first text: {warm_up(server, options):.2f} s", flush=True)
    print()
    rounds = {name: [] for name in servers}
    with Others() as others:
        for number in range(options.rounds):
            for name in sorted(servers, reverse=number % 2 == 1):
                rounds[name].append(measure(servers[name], options))
                if options.save:
                    with open(options.save, "a") as file:
                        print(json.dumps({"side": name, "model": options.model} | rounds[name][-1]), file=file)
    table(rounds, options.markdown)
    print(f"\n{options.model.rpartition('/')[2]}, {options.threads} threads, {options.rounds} rounds; others took {others.cores:.1f} cores"
          + (f"; neighbours took {statistics.mean(options.taken):.0%} of the cores" if options.taken else ""))


if __name__ == "__main__":
    main()
