"""Runs our engine and llama.cpp in turns on the same file with the same threads, and prints the best of each and the ratios.

    pip install llama-cpp-python==0.3.36
    swift build -c release --package-path Benchmarks
    python3 Benchmarks/compare.py MODEL.gguf --threads 4 --rounds 5

In turns, because machines are shared and noisy: a ratio of neighbours in time says more than two numbers of an hour. llama.cpp runs with flash attention and
without; the better one counts.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

THROUGHPUT = Path(__file__).parent / ".build/release/Throughput"


def ours(options):
    command = [THROUGHPUT, options.model, options.threads, options.prompt, options.new]
    output = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
    return tuple(map(float, output.split()))


def theirs(options):
    runs = []
    for setting in ("off", "on"):
        command = [sys.executable, __file__, *sys.argv[1:], "--theirs", setting]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        runs.append(tuple(map(float, output.split())))
    return tuple(map(min, *runs))


def wait_for_quiet(seconds):
    """Waits until less than one core was busy within the last minute, and says so if that did not come."""
    end = time.monotonic() + seconds
    while os.getloadavg()[0] > 1 and time.monotonic() < end:
        time.sleep(1)
    if os.getloadavg()[0] > 1:
        print(f"the machine was not quiet: {os.getloadavg()[0]:.1f} cores were busy")


def measure_theirs(options):
    from llama_cpp import Llama

    model = Llama(options.model, n_ctx=options.prompt + options.new + 8, n_threads=options.threads,
                  n_threads_batch=options.threads, flash_attn=options.theirs == "on", verbose=False)
    model.eval([10] * 8)
    model.reset()
    start = time.perf_counter()
    model.eval([index % 200 + 10 for index in range(options.prompt)])
    middle = time.perf_counter()
    for _ in range(options.new):
        model.eval([11])
    print(middle - start, time.perf_counter() - middle)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--new", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wait", type=int, default=60, help="seconds to wait for a quiet machine")
    parser.add_argument("--theirs", choices=["off", "on"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.theirs:
        return measure_theirs(options)
    wait_for_quiet(options.wait)
    rounds = [(ours(options), theirs(options)) for _ in range(options.rounds)]
    for index, name, tokens in ((0, "prefill", options.prompt), (1, "decode", options.new)):
        ratios = sorted(their[index] / our[index] for our, their in rounds)
        our, their = (tokens / min(pair[side][index] for pair in rounds) for side in (0, 1))
        print(f"{name:8} best: ours {our:7.1f} tokens/s, llama.cpp {their:7.1f}, {our / their:.2f} times as fast; "
              f"in turns {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    first = statistics.median(our[0] for our, _ in rounds)
    print(f"first token after {first * 1000:.0f} ms, {options.prompt} tokens read, {options.threads} threads")


main()
