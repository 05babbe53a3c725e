"""Logits of llama.cpp for the models of Tests/TestSupport/MixedModel.swift, with 32-bit keys and values and without flash attention.

    pip install llama-cpp-python==0.3.36
    CLOISTER_WRITE_MODELS=/tmp/models swift test --filter MixedModelTests
    python make_mixed.py /tmp/models > mixed.logits.json
"""

import json
import sys

from llama_cpp import Llama

GGML_TYPE_F32 = 0
TOKENS = [(7 * i + 40) % 250 for i in range(24)]

goldens = {}
for name in ("plain", "mixed", "scaled"):
    model = Llama(f"{sys.argv[1]}/{name}.gguf", n_ctx=64, n_threads=1, logits_all=True, flash_attn=False, type_k=GGML_TYPE_F32, type_v=GGML_TYPE_F32, verbose=False)
    model.eval(TOKENS)
    goldens[name] = [round(float(x), 5) for x in model.scores[len(TOKENS) - 1]]
json.dump({"tokens": TOKENS, "logits": goldens}, sys.stdout)
