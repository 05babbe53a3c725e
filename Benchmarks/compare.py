"""Tokens a second beside llama.cpp, interleaved, on the same file and threads: pip install llama-cpp-python==0.3.36

    python compare.py .build/release/cloister model.gguf [threads]

Cloister is measured as its users meet it, through the API (sealing and HTTP included); llama.cpp in process. Prints every round and the median of the ratios.
"""

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from llama_cpp import Llama

BINARY, MODEL, THREADS = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 4
ROUNDS, NEW = 5, 64
PROMPT = "the quick brown fox jumps over the lazy dog and " * 40


class Cloister:
    def __init__(self, folder):
        Path(folder, "p").write_text("a passphrase for a benchmark\n")
        who = ["--data", f"{folder}/data", "--owner", "b", "--passphrase-file", f"{folder}/p"]
        environment = {"HOME": folder, "PATH": "/usr/bin:/bin"}
        subprocess.run([BINARY, "init", *who, "--recovery-out", f"{folder}/r"], env=environment, check=True, capture_output=True)
        made = subprocess.run([BINARY, "keys", "create", *who, "--label", "b"], env=environment, check=True, capture_output=True, text=True)
        self.key = made.stdout.split()[-1]
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", f"{folder}/data", "--port", "8499", "--model", MODEL, "--threads", str(THREADS)],
            env=environment, stdout=subprocess.PIPE, text=True)
        next(line for line in self.process.stdout if re.search("http://", line))

    def measure(self, number):
        """Seconds to the first token, and tokens a second after it."""
        body = {"model": "default", "prompt": f"{number} {PROMPT}", "max_tokens": NEW, "temperature": 0, "stream": True, "stream_options": {"include_usage": True}}
        request = urllib.request.Request("http://localhost:8499/v1/completions", json.dumps(body).encode(), {"Authorization": f"Bearer {self.key}"})
        start, first, usage = time.perf_counter(), None, None
        for line in urllib.request.urlopen(request):
            if line.startswith(b"data: {"):
                chunk = json.loads(line[6:])
                first = first or (time.perf_counter() if chunk["choices"] and chunk["choices"][0]["text"] else None)
                usage = chunk.get("usage") or usage
        return first - start, (usage["completion_tokens"] - 1) / (time.perf_counter() - first), usage["prompt_tokens"]

    def memory(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return {name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) // 1024 for name in ("VmRSS", "RssAnon")}


def llama(model, number):
    model.reset()
    tokens = model.tokenize(f"{number} {PROMPT}".encode())
    start = time.perf_counter()
    model.eval(tokens)
    first = time.perf_counter() - start
    token, start = int(model.scores[len(tokens) - 1].argmax()) if model._logits_all else 5, time.perf_counter()
    for _ in range(NEW):
        model.eval([token])
    return first, NEW / (time.perf_counter() - start)


with tempfile.TemporaryDirectory() as folder:
    theirs = Llama(MODEL, n_ctx=2048, n_threads=THREADS, n_threads_batch=THREADS, n_batch=512, verbose=False)
    ours = Cloister(folder)
    rows = []
    try:
        for number in range(ROUNDS):
            rows.append((*ours.measure(number), *llama(theirs, number)))
            print("cloister: first token %.2f s, %.1f tokens/s (prompt of %d) · llama.cpp: prompt %.2f s, %.1f tokens/s" % rows[-1], flush=True)
        print("memory of cloister, MiB:", ours.memory())
    finally:
        ours.process.terminate()
        ours.process.wait()
    print("decode: cloister / llama.cpp = %.2f (median of %d); prompt: llama.cpp is %.2f times as fast" % (
        statistics.median(r[1] / r[4] for r in rows), ROUNDS, statistics.median(r[0] / r[3] for r in rows)))
