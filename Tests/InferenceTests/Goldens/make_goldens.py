"""Logits of llama.cpp for the small stories model, with 32-bit keys and values and without flash attention.

    pip install llama-cpp-python==0.3.36
    python make_goldens.py stories260K-f32.gguf > stories260K-f32.logits.json
"""

import json
import sys

from llama_cpp import Llama

GGML_TYPE_F32 = 0
STEPS = 8

model = Llama(sys.argv[1], n_ctx=256, n_threads=1, logits_all=True, flash_attn=False, type_k=GGML_TYPE_F32, type_v=GGML_TYPE_F32, verbose=False)
tokens = model.tokenize(b"Once upon a time", add_bos=True)
steps = []
for _ in range(STEPS):
    model.reset()
    model.eval(tokens)
    logits = model.scores[len(tokens) - 1]
    steps.append([round(float(x), 5) for x in logits])
    tokens.append(int(logits.argmax()))
json.dump({"tokens": tokens, "prompt": len(tokens) - STEPS, "logits": steps}, sys.stdout)
