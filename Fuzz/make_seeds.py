"""Writes small valid inputs to a folder, so that the fuzzer starts behind the first checks."""

import struct
import sys
from pathlib import Path

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def pair(key, kind, value):
    return text(key) + struct.pack("<I", kind) + value


def number(key, value):
    return pair(key, 4, struct.pack("<I", value))


def strings(key, values):
    return pair(key, 9, struct.pack("<IQ", 8, len(values)) + b"".join(map(text, values)))


def model(kind):
    width, hidden, vocabulary = 32, 32, 4
    pairs = [
        pair("general.architecture", 8, text("llama")), number("llama.block_count", 1), number("llama.embedding_length", width),
        number("llama.feed_forward_length", hidden), number("llama.attention.head_count", 2), number("llama.context_length", 16),
        pair("tokenizer.ggml.model", 8, text(kind)), strings("tokenizer.ggml.tokens", ["a", "b", "ab", "<|end|>"]),
        pair("tokenizer.ggml.pre", 8, text("llama-bpe")), strings("tokenizer.ggml.merges", ["a b"]),
        pair("tokenizer.ggml.scores", 9, struct.pack("<IQ4f", 6, 4, 0, 0, 1, 0)),
        pair("tokenizer.ggml.token_type", 9, struct.pack("<IQ4i", 5, 4, 1, 1, 1, 3)),
    ]
    block = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]
    tensors = [("token_embd.weight", (width, vocabulary))] + [(f"blk.0.{n}.weight", (width, width)) for n in block]
    tensors += [(n, (width,)) for n in ("output_norm.weight", "blk.0.attn_norm.weight", "blk.0.ffn_norm.weight")]
    infos, data = b"", b""
    for name, shape in tensors:
        infos += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", s) for s in shape)
        infos += struct.pack("<IQ", 8 if len(shape) == 2 else 0, len(data))
        data += bytes((shape[0] // 32 * 34 * shape[1] if len(shape) == 2 else shape[0] * 4) + 31 & ~31)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs) + infos
    return head + bytes(-len(head) % 32) + data


(folder / "gpt2").write_bytes(b"\x00" + model("gpt2"))
(folder / "llama").write_bytes(b"\x00" + model("llama"))
(folder / "node").write_bytes(b"\x01CLNK" + bytes([1, 0, 32, 0, 1, 0, 2]) + bytes(211))
(folder / "open").write_bytes(b"\x01\x01" + bytes(200))
slot = bytes([4]) + bytes(16) + struct.pack(">H", 38) + bytes(38) + struct.pack(">H", 73) + bytes([1]) + bytes(72) + bytes(2)
(folder / "account").write_bytes(b"\x02CLAC\x01" + bytes(16 + 8 + 32) + bytes(2) + bytes(2) + b"\x00\x01" + slot + bytes(32))
(folder / "text").write_bytes(b"\x03TH3D-D13K-FFSD-EA82-24NR-WYNH-R8Q9-381N-NMR2")
entries = b"".join(bytes([kind]) + struct.pack(">Q", length) + bytes(32) for kind, length in [(1, 4096), (2, 32)])
(folder / "backup").write_bytes(b"\x04CLBK\x01\x02" + entries + bytes(32))
