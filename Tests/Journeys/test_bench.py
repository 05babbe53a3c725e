"""`cloister bench`: what a person sees, and what a program reads."""

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

from conftest import BINARY
sys.path[:0] = [str(Path(__file__).parent / "page"), str(Path(__file__).parent / "attacks")]
from page_fixtures import without_end  # noqa: E402
from processes import alive, family, until  # noqa: E402

FIELDS = {"prefill_tokens_per_second", "decode_tokens_per_second", "threads", "resident_bytes", "bandwidth_share"}


def bench(home, *arguments, check=True):
    return home.run("bench", "--data", home.data, *arguments, check=check)


def test_the_guide_is_measured_without_anything(home):
    """A picture with a bar a line, that fits a terminal; nothing is left running."""
    lines = bench(home, "--generate", 16).stdout.splitlines()
    assert lines[0].startswith("guide (Q8_0), ") and max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[1:]] == ["reading", "writing", "bandwidth", "resident"]
    assert all(line.count("█") + line.count("░") == 24 for line in lines[1:4])


def test_programs_read_it_as_json(home):
    model = without_end(home.root / "endless.gguf")
    result = json.loads(bench(home, model, "--threads", 1, "--prompt", 32, "--generate", 8, "--kv-cache", "q8_0", "--json").stdout)
    assert FIELDS <= set(result) and result["threads"] == 1 and (result["prompt"], result["generate"]) == (32, 8)
    assert result["prefill_tokens_per_second"] > 0 and result["decode_tokens_per_second"] > 0
    assert os.path.getsize(model) / 2 < result["resident_bytes"] < 2 << 30
    assert 0 < result["bandwidth_share"] < 1.5
    assert result["decode_tokens_per_second"] * os.path.getsize(model) >= result["bandwidth_share"] * result["bandwidth_bytes_per_second"] * 0.9


ALLOCATIONS = Path(__file__).resolve().parents[1] / "Kernels/allocations.c"
THREAD = struct.Struct("16sq")


def allocations(home, library, tokens):
    """What was taken from the C library while the guide wrote: by the engine's thread, and by all others."""
    counts = home.root / "counts"
    counts.write_bytes(bytes(8 + THREAD.size * 4_000))
    environment = home.environment | {"LD_PRELOAD": str(library), "COUNTS": str(counts)}
    command = [BINARY, "bench", "--data", home.data, "--threads", "2", "--prompt", "32", "--generate", tokens]
    subprocess.run([*map(str, command)], env=environment, capture_output=True, check=True)
    threads = [(name.rstrip(b"\0"), count) for name, count in THREAD.iter_unpack(counts.read_bytes()[8:])]
    [engine] = [count for name, count in threads if name == b"engine"]
    return engine, sum(count for _, count in threads) - engine


def test_a_token_takes_no_memory_to_be_computed(home, tmp_path):
    """Its way to the reader takes a few pieces, whatever the model; the seams are the control."""
    library = tmp_path / "allocations.so"
    clang = Path(shutil.which("swift")).resolve().with_name("clang")
    subprocess.run([clang, "-shared", "-fPIC", "-O1", ALLOCATIONS, "-o", library, "-ldl"], check=True)
    few, many = allocations(home, library, 16), allocations(home, library, 216)
    # The first answer brings the weights into memory, three are measured.
    made = 4 * (216 - 16)
    engine, seams = ((after - before) / made for before, after in zip(few, many))
    assert engine < 2 and seams > 2, (engine, seams)


def test_what_cannot_be_measured_is_said(home):
    for arguments, said in [
        (["--prompt", 100_000], "choose less with --prompt"), (["--generate", 1], "--generate from 2"),
        (["no-such-model"], 'no model "no-such-model"'), (["--threads", 0], "threads"), (["--kv-cache", "q4_0"], "kv-cache must be f16 or q8_0"),
    ]:
        result = bench(home, *arguments, check=False)
        assert result.returncode == 1 and said in result.stderr and result.stderr.count("\n") == 1, result.stderr
    broken = home.root / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(100))
    result = bench(home, broken, check=False)
    assert result.returncode == 1 and "not a GGUF file" in result.stderr, result.stderr


def test_it_ends_with_its_engine(home):
    """A person who presses Ctrl-C leaves no process behind."""
    process = subprocess.Popen([BINARY, "bench", "--data", str(home.data), "--generate", "400", "--prompt", "40", "--threads", "1"], env=home.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    home.processes.append(process)
    until(lambda: len(family(process.pid)) > 1, "no engine")
    engine = family(process.pid)[1]
    process.terminate()
    process.wait(10)
    until(lambda: not alive(engine), "the engine goes on")
