"""Blocks of every weight type with what llama.cpp makes of them: the values, and the product with a row of activations.

    pip install llama-cpp-python==0.3.36
    python make_blocks.py > blocks.json

The row is quantised by llama.cpp, so that every field of a block has the values that occur. `dot` is ggml's own product, whose activations are
rounded to 8 bits in blocks of 32 or 256: within about a hundredth of the exact one.
"""

import base64
import ctypes
import json
import math
import sys
from pathlib import Path

import llama_cpp

WIDTH = 512
TYPES = {"F16": 1, "Q4_0": 2, "Q5_0": 6, "Q8_0": 8, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "BF16": 30}
DOTS = {
    "Q4_0": ("q4_0_q8_0", "quantize_row_q8_0"), "Q5_0": ("q5_0_q8_0", "quantize_row_q8_0"), "Q8_0": ("q8_0_q8_0", "quantize_row_q8_0"),
    "Q4_K": ("q4_K_q8_K", "quantize_row_q8_K"), "Q5_K": ("q5_K_q8_K", "quantize_row_q8_K"), "Q6_K": ("q6_K_q8_K", "quantize_row_q8_K"),
}
folder = Path(llama_cpp.__file__).parent / "lib"
base, cpu = ctypes.CDLL(folder / "libggml-base.so"), ctypes.CDLL(folder / "libggml-cpu.so")
base.ggml_quantize_chunk.restype = ctypes.c_size_t
cpu.ggml_cpu_init()
FLOATS = ctypes.c_float * WIDTH

# Values of some spread, with a drift so that blocks have minimums, and one outlier.
weights = FLOATS(*[math.sin(i * 1.7) * (1 + i % 32 / 20) + 0.3 * math.cos(i / 40) + (3 if i == 77 else 0) for i in range(WIDTH)])
activations = FLOATS(*[round(math.cos(i * 0.9) * (1 + i / WIDTH) + math.sin(i * 1.7), 3) for i in range(WIDTH)])


def values(name, block):
    out = FLOATS()
    if name in ("F16", "BF16"):
        getattr(base, "ggml_fp16_to_fp32_row" if name == "F16" else "ggml_bf16_to_fp32_row")(block, out, ctypes.c_int64(WIDTH))
    else:
        getattr(base, "dequantize_row_" + name.lower().replace("_k", "_K"))(block, out, ctypes.c_int64(WIDTH))
    return list(out)


def dot(name, block):
    if name not in DOTS:
        return None
    kernel, quantise = DOTS[name]
    quantised, result = ctypes.create_string_buffer(WIDTH * 2), ctypes.c_float()
    getattr(cpu, quantise)(activations, quantised, ctypes.c_int64(WIDTH))
    zero = ctypes.c_size_t(0)
    getattr(cpu, "ggml_vec_dot_" + kernel)(ctypes.c_int(WIDTH), ctypes.byref(result), zero, block, zero, quantised, zero, ctypes.c_int(1))
    return result.value


types = {}
for name, identifier in TYPES.items():
    buffer = ctypes.create_string_buffer(WIDTH * 4)
    size = base.ggml_quantize_chunk(identifier, weights, buffer, ctypes.c_int64(0), ctypes.c_int64(1), ctypes.c_int64(WIDTH), None)
    row = {"id": identifier, "block": base64.b64encode(buffer.raw[:size]).decode()}
    row["values"] = [float(f"{v:.9g}") for v in values(name, buffer)]
    row["dot"] = dot(name, buffer)
    types[name] = row
json.dump({"activations": [round(v, 3) for v in activations], "types": types}, sys.stdout)
