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


# GGUF's number of a tensor type, the values of its block, and the block's bytes.
TYPES = {"Q8_0": (8, 32, 34), "Q5_0": (6, 32, 22), "Q4_K": (12, 256, 144), "Q6_K": (14, 256, 210), "BF16": (30, 1, 2)}


def model(kind, pre="llama-bpe", family="llama", type="Q8_0", template=None):
    number_of_type, values, size = TYPES[type]
    width = hidden = max(values, 32)
    vocabulary = 4
    pairs = [
        pair("general.architecture", 8, text(family)), number(f"{family}.block_count", 1), number(f"{family}.embedding_length", width),
        number(f"{family}.feed_forward_length", hidden), number(f"{family}.attention.head_count", 2), number(f"{family}.context_length", 16),
        pair("tokenizer.ggml.model", 8, text(kind)), strings("tokenizer.ggml.tokens", ["a", "b", "ab", "<|end|>"]),
        pair("tokenizer.ggml.pre", 8, text(pre)), strings("tokenizer.ggml.merges", ["a b"]),
        pair("tokenizer.ggml.scores", 9, struct.pack("<IQ4f", 6, 4, 0, 0, 1, 0)),
        pair("tokenizer.ggml.token_type", 9, struct.pack("<IQ4i", 5, 4, 1, 1, 1, 3)),
    ]
    if template:
        pairs.append(pair("tokenizer.chat_template", 8, text(template)))
    block = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]
    tensors = [("token_embd.weight", (width, vocabulary))] + [(f"blk.0.{n}.weight", (width, width)) for n in block]
    tensors += [(n, (width,)) for n in ("output_norm.weight", "blk.0.attn_norm.weight", "blk.0.ffn_norm.weight")]
    if family == "qwen2":
        tensors += [(f"blk.0.{n}.bias", (width,)) for n in ("attn_q", "attn_k", "attn_v")]
    infos, data = b"", b""
    for name, shape in tensors:
        infos += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", s) for s in shape)
        infos += struct.pack("<IQ", number_of_type if len(shape) == 2 else 0, len(data))
        data += bytes((shape[0] // values * size * shape[1] if len(shape) == 2 else shape[0] * 4) + 31 & ~31)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs) + infos
    return head + bytes(-len(head) % 32) + data


(folder / "gpt2").write_bytes(b"\x00" + model("gpt2"))
(folder / "llama").write_bytes(b"\x00" + model("llama"))
(folder / "qwen2").write_bytes(b"\x00" + model("gpt2", "qwen2", "qwen2", "Q5_0", "<|im_start|>"))
for pre in ("gpt-2", "falcon", "deepseek-llm", "starcoder"):
    (folder / pre).write_bytes(b"\x00" + model("gpt2", pre))
(folder / "bf16").write_bytes(b"\x00" + model("llama", type="BF16", template="[INST]"))
(folder / "node").write_bytes(b"\x01CLNK" + bytes([1, 0, 32, 0, 1, 0, 2]) + bytes(211))
(folder / "open").write_bytes(b"\x01\x01" + bytes(200))
slot = bytes([4]) + bytes(16) + struct.pack(">H", 38) + bytes(38) + struct.pack(">H", 73) + bytes([1]) + bytes(72) + bytes(2)
(folder / "account").write_bytes(b"\x02CLAC\x01" + bytes(16 + 8 + 32) + bytes(2) + bytes(2) + b"\x00\x01" + slot + bytes(32))
(folder / "text").write_bytes(b"\x03TH3D-D13K-FFSD-EA82-24NR-WYNH-R8Q9-381N-NMR2")
entries = b"".join(bytes([kind]) + struct.pack(">Q", length) + bytes(32) for kind, length in [(1, 4096), (2, 32)])
(folder / "backup").write_bytes(b"\x04CLBK\x01\x02" + entries + bytes(32))
frame = lambda kind, call, payload=b"", carried=0: struct.pack(">IIBBBB", len(payload), call, kind, 1, carried, 1) + payload
(folder / "frames").write_bytes(b"\x05" + frame(1, 1, b"ask", 1) + frame(5, 1, b"\0\0\0\x08") + frame(2, 1, b"part") + frame(3, 1))
(folder / "request").write_bytes(b"\x05" + struct.pack("<QQ4f4I", 7, 1, 0.7, 0.9, 0.1, 1, 40, 16, 1, 2) + struct.pack("<3i", 3, 1, 2) + b"\x01")
for event in (struct.pack("<BIIQ", 1, 3, 9, 1_000_000), struct.pack("<Bi", 2, 5), b"\x03\x01"):
    (folder / f"event{event[0]}").write_bytes(b"\x05" + event)
for index, line in enumerate([
        "https://cdn.example:8443/a%2Fb?sign=1", "/path?x=1", "http://[fd00::1]/x", "hub:org/repository@v1/q/a-Q4.gguf", "ollama:some/tiny:1b",
        "hub=https://models.example[10.0.0.5]+https://[fd00::1],ollama=http://127.0.0.1:5000", "bytes 5-9/10", "127.0.0.1", "\"sha256:" + "a" * 64 + "\""]):
    (folder / f"registry-{index}").write_bytes(b"\x06" + line.encode())
