#!/usr/bin/env python3
"""Runs our engine and llama.cpp in turns on the same files with the same threads, and prints what each reached, the ratios and their geometric means.

    swift build -c release --package-path Benchmarks
    python3 Benchmarks/compare.py *-F16.gguf *-Q8_0.gguf *-Q4_0.gguf *-Q4_K_M.gguf --llama LLAMA.CPP/build/bin --threads 1 2 4 --rounds 5 --variants --markdown
    python3 Benchmarks/compare.py billion-Q4_0.gguf billion-Q4_K_M.gguf --llama LLAMA.CPP/build/bin --threads 4 --prompt 0 --depth 2048
    python3 Benchmarks/compare.py billion-Q4_K_M.gguf --llama LLAMA.CPP/build/bin --threads 4 --neighbours 0.4

In turns, because machines are shared and noisy: a ratio of neighbours in time says more than two numbers of an hour. llama.cpp runs with flash attention and without;
the setting with the better median counts. `--variants` also tries it with `--repack 0`; several folders after --llama (other compilers) are variants of the first.
`--neighbours 0.4` measures each beside processes that want 40 % of the cores too, and prints what remains of the quiet speed.
"""

import argparse
import json
import statistics
import subprocess
from pathlib import Path

from machine import CORES, Neighbours, Others, wait_for_quiet

THROUGHPUT = Path(__file__).parent / ".build/release/Throughput"
WORK = ("prefill", "decode")


def lines_of(*command):
    output = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def limit(threads):
    """Bytes a second that memory gives to so many threads."""
    return lines_of(THROUGHPUT, "read", threads)[0]["limit"]


def ours(model, threads, options):
    """Tokens a second, the type of the file and the bytes of weights that a token reads."""
    found = lines_of(THROUGHPUT, "speed", model, threads, options.prompt, options.new, options.depth)[0]
    speeds = {"decode": options.new / found["decode"]} | ({"prefill": options.prompt / found["prefill"]} if options.prompt else {})
    return speeds, found


def theirs(model, threads, options):
    """Tokens a second by work and setting: (folder, flash attention, repacking)."""
    speeds = {work: {} for work in WORK}
    for folder in options.llama:
        found = lines_of(folder / "llama-bench", "-m", model, "-t", threads, "-p", options.prompt, "-n", options.new, "-d", options.depth, "-r", 1,
                         "-fa", "0,1", "--repack", "1,0" if options.variants else "1", "-o", "jsonl")
        for run in found:
            setting = folder, f"fa {int(run['flash_attn'])}", "default" if run["repack"] else "no repack"
            speeds["decode" if run["n_gen"] else "prefill"][setting] = run["avg_ts"]
    return speeds


class Cell:
    """One file with so many threads, measured in rounds."""

    def __init__(self, model, threads, options):
        self.threads, self.options, self.name = threads, options, Path(model).stem
        self.ours, self.theirs, self.limits, self.others, self.taken = [], [], [], [], []
        self.beside = {"ours": [], "theirs": []}
        for number in range(options.rounds):
            for turn in (("ours", "theirs") if number % 2 == 0 else ("theirs", "ours")):
                with Others() as others:
                    getattr(self, "measure_" + turn)(model)
                self.others.append(others.cores)
            if options.neighbours:
                self.measure_beside(model)
        self.is_quantised = self.type not in ("F16", "F32", "BF16")

    def measure_ours(self, model):
        """The memory's limit before and after; the better, since others only make it smaller."""
        before = limit(self.threads)
        speeds, found = ours(model, self.threads, self.options)
        self.limits.append(max(before, limit(self.threads)))
        self.ours.append(speeds)
        self.type, self.weights = found["type"], found["weights"]

    def measure_theirs(self, model):
        self.theirs.append(theirs(model, self.threads, self.options))

    def measure_beside(self, model):
        with Neighbours(self.options.neighbours) as neighbours:
            self.beside["ours"].append(ours(model, self.threads, self.options)[0])
            self.beside["theirs"].append(theirs(model, self.threads, self.options))
        self.taken.append(neighbours.took)

    def best_setting(self, work, default_only):
        """Their setting with the best median."""
        settings = [one for one in self.theirs[0][work] if not default_only or (one[0] == self.options.llama[0] and one[2] == "default")]
        return max(settings, key=lambda setting: statistics.median(found[work][setting] for found in self.theirs))

    def column(self, work, setting=None):
        """Tokens a second of each round, ours or theirs with a setting."""
        return [found[work] for found in self.ours] if setting is None else [found[work][setting] for found in self.theirs]

    def ratios(self, work, default_only=True):
        return sorted(our / their for our, their in zip(self.column(work), self.column(work, self.best_setting(work, default_only))))

    def share(self):
        """The part of the memory's limit with which weights are read."""
        return statistics.median(found["decode"] * self.weights / limit for found, limit in zip(self.ours, self.limits))

    def row(self, work):
        setting = self.best_setting(work, True)
        shown = [self.name, self.threads, f"{statistics.median(self.column(work)):.1f}",
                 f"{statistics.median(self.column(work, setting)):.1f} ({setting[1]})", spread(self.ratios(work))]
        if self.options.variants or len(self.options.llama) > 1:
            best = self.best_setting(work, False)
            folder = [best[0].parent.name] if len(self.options.llama) > 1 else []
            shown.append(", ".join([spread(self.ratios(work, False)), *folder, *best[1:]]))
        if has_share(work, self.options):
            shown.append(f"{self.share():.0%} of {statistics.median(self.limits) / 1e9:.0f} GB/s")
        return shown + [f"{statistics.mean(self.others):.1f}"]

    def row_beside(self, work):
        """What remains of the quiet speed beside neighbours, ours and theirs with its better setting."""
        setting = self.best_setting(work, True)
        our = sorted(beside[work] / quiet[work] for beside, quiet in zip(self.beside["ours"], self.ours))
        their = sorted(beside[work][setting] / quiet[work][setting] for beside, quiet in zip(self.beside["theirs"], self.theirs))
        return [self.name, self.threads, work, spread(our), spread(their), f"{statistics.mean(self.taken):.0%}"]


def has_share(work, options):
    """Behind a context, keys and values are read too."""
    return work == "decode" and options.depth == 0


def spread(ratios):
    """The median of sorted ratios, the least and the most."""
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def show(row, is_markdown):
    """A row of a table, at once: a grid takes hours."""
    print("| " + " | ".join(map(str, row)) + " |" if is_markdown else "  ".join(f"{value!s:<24}" for value in row), flush=True)


def show_table(title, header, rows, is_markdown):
    print(f"\n{title}\n")
    show(header, is_markdown)
    if is_markdown:
        show(["---"] * len(header), True)
    for row in rows:
        show(row, is_markdown)


def show_means(work, cells, options):
    """The geometric means of the cells' median ratios, and the least."""
    def said(name, chosen, default_only=True):
        medians = [statistics.median(cell.ratios(work, default_only)) for cell in chosen]
        if medians:
            print(f"{work}, {name}: geometric mean {statistics.geometric_mean(medians):.2f}, least {min(medians):.2f}, of {len(medians)} cells")

    said("all", cells)
    said("quantised", [cell for cell in cells if cell.is_quantised])
    if options.variants or len(options.llama) > 1:
        said("against the best variant", cells, default_only=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--llama", type=Path, nargs="+", required=True, help="folders of llama.cpp's binaries, the first of which is the default")
    parser.add_argument("--threads", type=int, nargs="+", default=[CORES])
    parser.add_argument("--prompt", type=int, default=512, help="tokens to read; 0: none")
    parser.add_argument("--new", type=int, default=64, help="tokens to make")
    parser.add_argument("--depth", type=int, default=0, help="tokens before those that are made")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variants", action="store_true", help="llama.cpp without repacking, too")
    parser.add_argument("--neighbours", type=float, default=0, help="the share of the cores that they want, for example 0.4")
    parser.add_argument("--wait", type=int, default=60, help="seconds to wait for a quiet machine")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    if options.depth and options.prompt:
        parser.error("a prompt is read behind nothing; use --prompt 0 with --depth")
    wait_for_quiet(options.wait)
    cells = []
    for model in options.models:
        for threads in options.threads:
            cells.append(Cell(model, threads, options))
            print(f"{cells[-1].name}, {threads} threads: " + ", ".join(f"{work} {spread(cells[-1].ratios(work))}" for work in cells[-1].ours[0]), flush=True)
    variant = ["best variant"] if options.variants or len(options.llama) > 1 else []
    works = [work for work in WORK if work in cells[0].ours[0]]
    for work in works:
        header = ["model", "threads", "ours, tokens/s", "llama.cpp", "ratio", *variant, *(["of the limit"] if has_share(work, options) else []), "cores that others took"]
        show_table(f"{work}, {options.prompt if work == 'prefill' else options.new} tokens behind {options.depth}, {options.rounds} rounds", header,
                   [cell.row(work) for cell in cells], options.markdown)
    if options.neighbours:
        show_table("what remains of the quiet speed beside neighbours", ["model", "threads", "", "ours", "llama.cpp", "of the cores they took"],
                   [cell.row_beside(work) for cell in cells for work in works], options.markdown)
    print()
    for work in works:
        show_means(work, cells, options)


if __name__ == "__main__":
    main()
