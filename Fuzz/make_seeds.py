"""Writes what the fuzzer starts from: headers of small, right GGUF files.

    python3 make_seeds.py FOLDER
"""

import struct
import sys
from pathlib import Path


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def pair(key, value):
    if isinstance(value, bool):
        body = struct.pack("<I?", 7, value)
    elif isinstance(value, int):
        body = struct.pack("<II", 4, value)
    elif isinstance(value, float):
        body = struct.pack("<If", 6, value)
    elif isinstance(value, str):
        body = struct.pack("<I", 8) + text(value)
    elif isinstance(value[0], str):
        body = struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    elif isinstance(value[0], float):
        body = struct.pack(f"<IIQ{len(value)}f", 9, 6, len(value), *value)
    else:
        body = struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
    return text(key) + body


def gguf(metadata, tensors):
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    out += b"".join(pair(*item) for item in metadata.items())
    for name, shape, kind in tensors:
        out += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, 0)
    return out + b"\0" * (-len(out) % 32 or 32)


def llama(tokens, kind, extra):
    metadata = {
        "general.architecture": "llama", "llama.context_length": 64, "llama.embedding_length": 32,
        "llama.block_count": 1, "llama.feed_forward_length": 32, "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2, "llama.rope.freq_base": 10000.0,
        "tokenizer.ggml.model": kind, "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3 if token.startswith("<") else 1 for token in tokens],
    } | extra
    names = {"attn_q": 32, "attn_k": 16, "attn_v": 16, "attn_output": 32, "ffn_gate": 32, "ffn_up": 32, "ffn_down": 32}
    tensors = [("token_embd.weight", (32, len(tokens)), 8), ("output_norm.weight", (32,), 0)]
    tensors += [("blk.0.attn_norm.weight", (32,), 0), ("blk.0.ffn_norm.weight", (32,), 0)]
    tensors += [(f"blk.0.{name}.weight", (32, rows), index % 3) for index, (name, rows) in enumerate(names.items())]
    return gguf(metadata, tensors)


folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
letters = [chr(code) for code in range(33, 127)] + ["Ġ", "Ċ"]
(folder / "bpe").write_bytes(llama(
    letters + ["he", "ll", "Ġ1", "<|im_start|>", "<|im_end|>"], "gpt2",
    {"tokenizer.ggml.pre": "llama-bpe", "tokenizer.ggml.merges": ["h e", "l l", "Ġ 1"], "tokenizer.chat_template": "<|im_start|>"}))
(folder / "spm").write_bytes(llama(
    ["<unk>", "<s>", "</s>", "<0x0A>", "▁", "H", "e", "l", "o", "ll", "▁H"], "llama",
    {"tokenizer.ggml.scores": [float(-index) for index in range(11)], "tokenizer.ggml.bos_token_id": 1,
     "tokenizer.chat_template": "[INST]<<SYS>>"}))
