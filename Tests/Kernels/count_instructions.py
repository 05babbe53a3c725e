#!/usr/bin/env python3
"""Counts the instructions of the kernels and fails where there are more than were recorded.

    python3 Tests/Kernels/count_instructions.py               compares with instruction_counts.json
    python3 Tests/Kernels/count_instructions.py --record      renews it, for the forms that this machine runs
    python3 Tests/Kernels/count_instructions.py --self-test   compares, and then checks that a slower build is refused

A child calls one kernel and is led through it step by step (ptrace), so neighbours and the clock change nothing. Instructions of the C library, which chooses
its own by the machine, are not counted. The unit is instructions for 1,000 weights times columns; of attention and of functions of floats, for 1,000 numbers.
"""
import ctypes
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from ctypes import POINTER, c_float, c_int, c_int16, c_long, c_size_t, c_void_p
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = Path(__file__).with_name("instruction_counts.json")
SLACK = 1.03
FORMS = ("avx512", "avx2 vnni", "avx2", "plain")
TYPES = {"F32": 0, "F16": 1, "BF16": 30, "Q8_0": 8, "Q4_0": 2, "Q5_0": 6, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14}
CLANG = Path(shutil.which("swift") or "/usr/bin/swift").resolve().with_name("clang")


class Activations(ctypes.Structure):
    _fields_ = [("q", c_void_p), ("scale", c_void_p), ("sum", c_void_p), ("lanes", c_size_t)]


class Memory(ctypes.Structure):
    _fields_ = [("type", c_int), ("keys", c_void_p), ("values", c_void_p), ("width", c_size_t)]


class Kernels(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p), ("lanes", c_size_t), ("few", c_size_t),
        ("quantize", ctypes.CFUNCTYPE(None, c_void_p, c_size_t, c_size_t, Activations)),
        ("multiply", ctypes.CFUNCTYPE(None, c_int, c_void_p, c_size_t, c_size_t, c_size_t, c_void_p, Activations, c_size_t, c_void_p, c_size_t)),
        ("attend", c_void_p), ("gather", c_void_p),
        ("silu_multiply", ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)),
    ]


SLOWED = ("avx2", "plain")


def build(folder, slowed):
    """A shared library of the kernels as Package.swift builds them, and if wanted another of which the files of some forms are optimised less."""
    source = ROOT / "Sources/CKernels"

    def compiled(level, file):
        target = Path(folder) / f"{file.stem}{level}.o"
        subprocess.run([CLANG, level, "-fPIC", "-I", source / "include", "-c", file, "-o", target], check=True)
        return target

    def linked(name, objects):
        path = Path(folder) / name
        subprocess.run([CLANG, "-shared", *(one.result() for one in objects.values()), "-lm", "-lpthread", "-o", path], check=True)
        return Library(path)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        fast = {file.stem: pool.submit(compiled, "-O3", file) for file in source.glob("*.c")}
        slow = {name: pool.submit(compiled, "-O1", source / f"{name}.c") for name in SLOWED if slowed}
        return [linked("kernels.so", fast)] + ([linked("slower.so", fast | slow)] if slowed else [])


class Library:
    def __init__(self, path):
        self.c = ctypes.CDLL(str(path))
        self.c.ck_kernels_at.restype = POINTER(Kernels)
        for name in ("ck_row_bytes", "ck_padded", "ck_key_bytes", "ck_value_bytes"):
            getattr(self.c, name).restype = c_size_t
        code = [line.split()[0].split("-") for line in Path("/proc/self/maps").read_text().splitlines() if str(path) in line and " r-xp " in line]
        self.code = range(int(code[0][0], 16), int(code[0][1], 16))

    def forms(self):
        index = 0
        while found := self.c.ck_kernels_at(c_size_t(index)):
            yield found
            index += 1


def floats(count):
    return (c_float * count)(*(random.uniform(-1, 1) for _ in range(count)))


def some_bytes(count):
    return ctypes.create_string_buffer(random.randbytes(count), count)


def product(library, kernels, type_id, rows, width, columns):
    """One call of `multiply`."""
    lanes = kernels.lanes if columns > kernels.few else 1
    x, out = floats(width * columns), floats(rows * columns)
    room = [some_bytes(width * columns), floats(width * columns // 32), (c_int16 * (width * columns // 16))()]
    weights = some_bytes(library.c.ck_row_bytes(type_id, c_size_t(width)) * rows)
    q = Activations(*(ctypes.addressof(part) for part in room), lanes)
    return kernels.multiply, (type_id, weights, width, 0, rows, x, q, columns, out, rows), room


def attention(library, form, type_id, width, queries, positions):
    """One call of `ck_attend` for a span or less."""
    bytes_of = [ask(type_id, c_size_t(width), c_size_t((positions + 31) // 32 * 32)) for ask in (library.c.ck_key_bytes, library.c.ck_value_bytes)]
    room = [ctypes.create_string_buffer(count) for count in bytes_of]
    memory = Memory(type_id, *(ctypes.addressof(part) for part in room), width)
    partial = 2 + library.c.ck_padded(c_size_t(width))
    sizes = [c_size_t(value) for value in (width, 1, queries, positions - 1, 0, 1)]
    arguments = (form, ctypes.byref(memory), floats(width * queries), *sizes, c_float(0.1), floats(partial * queries), c_size_t(partial))
    return library.c.ck_attend, arguments, [room, memory]


def cases(library, form):
    """(name, function, arguments, what must stay alive, thousands of numbers) of each kernel of a form; the plain one is slow and gets less."""
    kernels = form.contents
    is_plain, many, tile = kernels.name == b"plain", max(2 * kernels.lanes, 4), 6 if kernels.lanes == 16 else 4
    for name, type_id in TYPES.items():
        random.seed(name)  # What is counted may depend on the numbers, and on no other kernel's.
        if is_plain:
            shapes = [(1, 256 if "_K" in name else 64, 1)]
        else:
            shapes = [(8, 512, 1), (8, 256, 3), (tile, 256, many)] if "Q" in name else [(1, 512, 1), (6, 64, 3), (tile, 64, many)]
        for rows, width, columns in shapes:
            yield f"{name} x {columns}", *product(library, kernels, type_id, rows, width, columns), rows * width * columns / 1000
    for name in ("F16", "Q8_0"):
        for queries, width, positions in [(1, 8, 16)] if is_plain else [(1, 64, 32), (4, 64, 32)]:
            random.seed(name)
            yield f"attention {name} x {queries}", *attention(library, form, TYPES[name], width, queries, positions), 2 * width * positions * queries / 1000
    room = [some_bytes(64), floats(2), (c_int16 * 4)()]
    q = Activations(*(ctypes.addressof(part) for part in room), 1)
    yield "quantize", kernels.quantize, (floats(64), 64, 0, q), room, 0.064
    yield "silu", kernels.silu_multiply, (floats(64), floats(64), 64), None, 0.064


class Tracer:
    """ptrace(2) of x86-64: the words of a child's memory and registers, and single steps."""

    TRACEME, PEEK, PEEK_USER, POKE, POKE_USER, CONTINUE, KILL, STEP = 0, 1, 3, 4, 6, 7, 8, 9
    RIP, RSP = 16 * 8, 19 * 8
    STOPPED = signal.SIGTRAP << 8 | 0x7F

    def __init__(self):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # Both on one core: nothing is sent from one to another at each step.
        self.ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self.ptrace.argtypes, self.ptrace.restype = [c_long, c_long, c_void_p, c_void_p], c_long

    def ask(self, request, child=0, address=0, data=0):
        ctypes.set_errno(0)
        answer = self.ptrace(request, child, address, data)
        if ctypes.get_errno():
            raise OSError(ctypes.get_errno(), "ptrace")
        return answer

    def count(self, function, arguments, code):
        """How many instructions of `code` a child executes from the beginning of a function to its return."""
        start = ctypes.cast(function, c_void_p).value
        child = os.fork()
        if child == 0:
            self.ask(self.TRACEME)
            os.kill(os.getpid(), signal.SIGSTOP)
            function(*arguments)
            os._exit(0)
        try:
            os.waitpid(child, 0)
            word = self.ask(self.PEEK, child, start)
            self.ask(self.POKE, child, start, (word & ~0xFF) | 0xCC)
            self.ask(self.CONTINUE, child)
            os.waitpid(child, 0)
            self.ask(self.POKE, child, start, word)
            self.ask(self.POKE_USER, child, self.RIP, start)
            stack = self.ask(self.PEEK_USER, child, self.RSP)
            back, place, count = self.ask(self.PEEK, child, stack), start, 0
            while place != back:
                count += place in code
                self.ptrace(self.STEP, child, 0, 0)
                if os.waitpid(child, 0)[1] != self.STOPPED:
                    raise RuntimeError("the kernel did not run to its end")
                place = self.ptrace(self.PEEK_USER, child, self.RIP, 0)
            return count
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def measured(library, wanted=lambda name: True):
    """{form: {kernel: instructions per 1,000}} for what this machine runs."""
    tracer = Tracer()
    found = {}
    for form in library.forms():
        own = form.contents.name.decode()
        # What has no dot products of bytes is the same text in both forms of AVX2.
        found[own] = {
            name: round(tracer.count(function, arguments, library.code) / thousands, 1)
            for name, function, arguments, _, thousands in cases(library, form) if wanted(name) and (own != "avx2 vnni" or name.startswith("Q"))}
    return found


def regressions(found, recorded):
    for form, kernels in found.items():
        for name, count in kernels.items():
            limit = recorded.get(form, {}).get(name)
            if limit is None:
                yield f"{form} {name}: {count} instructions, and no record"
            elif count > limit * SLACK:
                yield f"{form} {name}: {count} instructions, {limit} were recorded"


def main():
    if platform.machine() != "x86_64":
        print(f"instructions were not counted: this machine is {platform.machine()}, and steps are counted on x86_64 only")
        return 0
    version = subprocess.run([CLANG, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {"compiler": version, "counts": {}}
    with tempfile.TemporaryDirectory() as folder:
        library, *slower = build(folder, slowed="--self-test" in sys.argv)
        found = measured(library)
        slow = [measured(one, wanted=lambda name: name in ("Q4_0 x 1", "Q4_0 x 16", "attention F16 x 1")) for one in slower]
    if "--record" in sys.argv:
        TABLE.write_text(json.dumps({"compiler": version, "counts": table["counts"] | found}, indent=1) + "\n")
        return 0
    if version != table["compiler"]:
        print(f"another compiler: {version}; recorded with {table['compiler']}")
    for one in slow:
        refused = {form for form in one if any(regressions({form: one[form]}, table["counts"]))}
        assert refused == {form for form in SLOWED if form in found}, f"refused were {refused}"
    wrong = list(regressions(found, table["counts"]))
    for form in FORMS:
        print(f"{form}: {len(found[form])} kernels" if form in found else f"{form}: not run, this machine has not its instructions")
    print("\n".join(wrong) or "instruction counts hold")
    return 1 if wrong else 0


sys.exit(main())
