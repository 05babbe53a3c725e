"""Greedy tokens of llama.cpp for a model file, with 32-bit keys and values and without flash attention.

    pip install llama-cpp-python==0.3.36
    python make_greedy.py stories260K-Q8_0.gguf > stories260K-Q8_0.greedy.json
"""

import json
import sys

from llama_cpp import Llama

GGML_TYPE_F32 = 0
PROMPTS = ["Once upon a time", "Lily and Tom went to the", "The dog"]

model = Llama(sys.argv[1], n_ctx=256, n_threads=1, logits_all=True, flash_attn=False, type_k=GGML_TYPE_F32, type_v=GGML_TYPE_F32, verbose=False)
cases = []
for prompt in PROMPTS:
    tokens = model.tokenize(prompt.encode(), add_bos=True)
    start = len(tokens)
    model.reset()
    model.eval(tokens)
    for _ in range(100):
        tokens.append(int(model.scores[len(tokens) - 1].argmax()))
        model.eval(tokens[-1:])
    cases.append({"prompt": tokens[:start], "tokens": tokens[start:]})
json.dump(cases, sys.stdout)
