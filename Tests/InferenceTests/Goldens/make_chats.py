"""Conversations in the published chat formats, as llama.cpp's tokens.

    pip install llama-cpp-python==0.3.36
    python make_chats.py ../shared/vectors/tokenizers > chats.json

The texts were written from each format's publication; a conversation is Be brief. / hi [/INST] you / Hello! / bye.
"""

import json
import sys

from llama_cpp import Llama

S, U, A, V = "Be brief.", "hi [/INST] you", "Hello!", "bye"
CHATS = {
    "ChatML": ("qwen2", "".join(f"<|im_start|>{r}\n{t}<|im_end|>\n" for r, t in (("system", S), ("user", U), ("assistant", A), ("user", V)))
               + "<|im_start|>assistant\n"),
    "Llama 3": ("llama-bpe", "".join(f"<|start_header_id|>{r}<|end_header_id|>\n\n{t}<|eot_id|>" for r, t in
                (("system", S), ("user", U), ("assistant", A), ("user", V))) + "<|start_header_id|>assistant<|end_header_id|>\n\n"),
    "Llama 2": ("llama-spm", f"<s>[INST] <<SYS>>\n{S}\n<</SYS>>\n\n{U} [/INST] {A} </s><s>[INST] {V} [/INST]"),
    "Mistral": ("llama-spm", f"[INST] {S}\n\n{U} [/INST] {A}</s>[INST] {V} [/INST]"),
    "Zephyr": ("llama-spm", f"<|system|>\n{S}</s>\n<|user|>\n{U}</s>\n<|assistant|>\n{A}</s>\n<|user|>\n{V}</s>\n<|assistant|>\n"),
    "Phi-3": ("phi-3", f"<|system|>\n{S}<|end|>\n<|user|>\n{U}<|end|>\n<|assistant|>\n{A}<|end|>\n<|user|>\n{V}<|end|>\n<|assistant|>\n"),
}
out = {}
for name, (vocabulary, text) in CHATS.items():
    model = Llama(f"{sys.argv[1]}/ggml-vocab-{vocabulary}.gguf", vocab_only=True, verbose=False)
    # The beginning token is where the format writes it itself, or where the model's file wants it.
    begins = model._model.add_bos_token() and not text.startswith("<s>")
    out[name] = {"vocabulary": vocabulary, "tokens": model.tokenize(text.encode(), add_bos=begins, special=True)}
json.dump({"messages": [["system", S], ["user", U], ["assistant", A], ["user", V]], "formats": out}, sys.stdout)
