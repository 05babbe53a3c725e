#!/usr/bin/env python3
"""The tutorial's stack, Transformers with PyTorch on the CPU, at the shape of Llama-3.2-1B with random weights in fp32; beside ours, in turns.

    pip install torch transformers
    python3 Benchmarks/transformers_speed.py --threads 4
    python3 Benchmarks/transformers_speed.py --threads 4 --beside billion-Q4_K_M.gguf --binary .build/release/cloister --rounds 3

Prints the fields of `cloister bench --json`, a line each, and with --beside the ratios. `--prompt 2000` gives the time of a long prompt.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from machine import Others, wait_for_quiet
from servers import resident

BEFORE = 32  # tokens before those that are made


class Clock:
    """Notes when `generate` hands over each token; the prompt comes first."""

    def __init__(self):
        self.times = []

    def put(self, _):
        self.times.append(time.perf_counter())

    def end(self):
        pass


def measure_here(options):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    config = LlamaConfig(vocab_size=128_256, hidden_size=2_048, intermediate_size=8_192, num_hidden_layers=16, num_attention_heads=32,
                         num_key_value_heads=8, max_position_embeddings=4_096, rope_theta=500_000.0, tie_word_embeddings=True,
                         bos_token_id=1, eos_token_id=2, pad_token_id=2, dtype=torch.float32)
    model = LlamaForCausalLM(config).eval()

    def answer(prompt, new):
        """Seconds until the first token and for the others."""
        tokens, clock = torch.randint(10, 128_000, (1, prompt)), Clock()
        begin = time.perf_counter()
        model.generate(tokens, attention_mask=torch.ones_like(tokens), do_sample=False, min_new_tokens=new, max_new_tokens=new, streamer=clock)
        return clock.times[1] - begin, clock.times[-1] - clock.times[1]

    answer(8, 2)
    reading, _ = answer(options.prompt, 1)
    _, writing = answer(BEFORE, options.generate)
    print(json.dumps({"threads": options.threads, "prompt": options.prompt, "generate": options.generate,
                      "prefill_tokens_per_second": options.prompt / reading, "decode_tokens_per_second": (options.generate - 1) / writing,
                      "resident_bytes": resident(os.getpid())}))


def theirs():
    return json.loads(subprocess.run([sys.executable, __file__, *sys.argv[1:], "--here"], capture_output=True, text=True, check=True).stdout)


def ours(options, data):
    command = [options.binary, "bench", options.beside, "--data", data, "--threads", options.threads, "--prompt", options.prompt,
               "--generate", options.generate, "--json"]
    return json.loads(subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--beside", metavar="MODEL.gguf", help="measure ours too, on this file")
    parser.add_argument("--binary", default=".build/release/cloister")
    parser.add_argument("--wait", type=int, default=60, help="seconds to wait for a quiet machine")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        return measure_here(options)
    wait_for_quiet(options.wait)
    pairs = []
    with Others() as others, tempfile.TemporaryDirectory() as data:
        for _ in range(options.rounds):
            pairs.append((theirs(), ours(options, data) if options.beside else None))
            print(*(json.dumps(side) for side in pairs[-1] if side), sep="\n")
    for field in ("prefill_tokens_per_second", "decode_tokens_per_second", "resident_bytes") if options.beside else ():
        ratios = sorted(our[field] / their[field] for their, our in pairs)
        print(f"{field}: ours / theirs {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    print(f"others took {others.cores:.1f} cores")


if __name__ == "__main__":
    main()
