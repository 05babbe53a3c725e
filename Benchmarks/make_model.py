#!/usr/bin/env python3
"""Writes a GGUF of the Llama architecture with random weights, to measure speed and memory with.

    pip install gguf==0.19.0
    python3 Benchmarks/make_model.py half-Q8_0.gguf --shape half --type Q8_0           # as large as Qwen2.5-0.5B
    python3 Benchmarks/make_model.py billion-Q4_K_M.gguf --shape billion --type Q4_K_M # as large as Llama-3.2-1B

Every tensor has the type that llama.cpp's `llama-quantize half-F16.gguf half-Q4_K_M.gguf Q4_K_M` gives it. `--tokenizer FILE.gguf` takes the tokenizer of another
file, with as many tokens; without it, tokens are bytes and numbers. `--counting` makes a model whose likeliest token is always the next one, so that it counts: the
only one of random weights that quotes its prompt, and never ends.
"""

import argparse

import numpy as np
from gguf import GGMLQuantizationType as Type, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType, TokenType

# layers, width, hidden, heads, key heads, vocabulary
SHAPES = {"half": (24, 896, 4864, 14, 2, 151_936), "billion": (16, 2_048, 8_192, 32, 8, 128_256)}
FILES = {"Q8_0": LlamaFileType.MOSTLY_Q8_0, "F16": LlamaFileType.MOSTLY_F16, "Q4_0": LlamaFileType.MOSTLY_Q4_0,
         "Q4_K_M": LlamaFileType.MOSTLY_Q4_K_M}
CONTEXT = 4_096
random = np.random.default_rng(1)


def halves(value):
    return np.frombuffer(np.float16(value).tobytes(), dtype=np.uint8)


def q8_0(rows, width):
    blocks = random.integers(0, 256, (rows, width // 32, 34), dtype=np.uint8)
    blocks[:, :, :2] = halves(1.7 / 127 / np.sqrt(width))
    return blocks


def q4_0(rows, width):
    blocks = random.integers(0, 256, (rows, width // 32, 18), dtype=np.uint8)
    blocks[:, :, :2] = halves(1.7 / 8 / np.sqrt(width))
    return blocks


def q5_0(rows, width):
    blocks = random.integers(0, 256, (rows, width // 32, 22), dtype=np.uint8)
    blocks[:, :, :2] = halves(1.7 / 16 / np.sqrt(width))
    return blocks


def q4_k(rows, width):
    """d ‖ dmin ‖ 12 bytes of scales ‖ 128 bytes of quants."""
    blocks = random.integers(0, 256, (rows, width // 256, 144), dtype=np.uint8)
    blocks[:, :, 0:2], blocks[:, :, 2:4] = halves(0.1 / 32 / np.sqrt(width)), halves(0.8 / 32 / np.sqrt(width))
    return blocks


def q6_k(rows, width):
    """192 bytes of quants ‖ 16 scales ‖ d."""
    blocks = random.integers(0, 256, (rows, width // 256, 210), dtype=np.uint8)
    blocks[:, :, 208:] = halves(1.0 / 64 / 32 / np.sqrt(width))
    return blocks


def f16(rows, width):
    return (random.standard_normal((rows, width), dtype=np.float32) / np.sqrt(width)).astype(np.float16)


MAKE = {"F16": f16, "Q8_0": q8_0, "Q4_0": q4_0, "Q5_0": q5_0, "Q4_K": q4_k, "Q6_K": q6_k}
# What rows take that are no multiple of a block of 256.
FALL_BACK = {"Q4_K": "Q5_0", "Q6_K": "Q8_0"}


def kind_of(name, file_type, columns, layer, layers):
    """The type of a tensor: the output is finer in files of 4 bits, and half of the value and down projections in Q4_K_M."""
    kind = file_type
    if file_type == "Q4_K_M":
        is_finer = layer is not None and (layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2)
        kind = "Q6_K" if is_finer and name in ("attn_v", "ffn_down") else "Q4_K"
    if name == "token_embd" and file_type in ("Q4_0", "Q4_K_M"):
        kind = "Q6_K"
    return FALL_BACK.get(kind, kind) if columns % 256 else kind


def add_numbers(writer, vocabulary):
    """A tokenizer of bytes and numbers: ` 123` is one token."""
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL] + [TokenType.BYTE] * 256
    names += [f"▁{index}" for index in range(vocabulary - len(names))]
    kinds += [TokenType.NORMAL] * (vocabulary - len(kinds))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(names)
    writer.add_token_scores([-float(index) for index in range(vocabulary)])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def add_tokenizer_of(path, writer, vocabulary):
    fields = {name: field for name, field in GGUFReader(path).fields.items() if name.startswith("tokenizer.")}
    assert len(fields["tokenizer.ggml.tokens"].data) == vocabulary, "that tokenizer has another number of tokens"
    for name, field in fields.items():
        inner = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], sub_type=inner)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--shape", choices=SHAPES, default="half")
    parser.add_argument("--type", choices=FILES, default="Q8_0")
    parser.add_argument("--tokenizer", metavar="FILE.gguf", help="whose tokenizer to take")
    parser.add_argument("--counting", action="store_true")
    options = parser.parse_args()
    layers, width, hidden, heads, key_heads, vocabulary = SHAPES[options.shape]
    key_width = width // heads * key_heads

    writer = GGUFWriter(options.out, "llama")
    writer.add_file_type(FILES[options.type])
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(width // heads)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_vocab_size(vocabulary)
    if options.tokenizer:
        add_tokenizer_of(options.tokenizer, writer, vocabulary)
    else:
        add_numbers(writer, vocabulary)

    def matrix(name, columns, rows, layer=None):
        kind = kind_of(name, options.type, columns, layer, layers)
        full = f"blk.{layer}.{name}.weight" if layer is not None else f"{name}.weight"
        weights = MAKE[kind](rows, columns).reshape(rows, -1)
        writer.add_tensor(full, weights, raw_dtype=Type[kind])
        if name == "token_embd" and options.counting:
            # The score of a token is how like its row is to the stream: that of its predecessor.
            writer.add_tensor("output.weight", np.roll(weights, 1, axis=0), raw_dtype=Type[kind])

    def norm(name, scale=1.0):
        writer.add_tensor(name, np.full(width, scale, dtype=np.float32))

    # Layers that change the stream little leave it like the last token's row.
    layer_scale = 0.001 if options.counting else 1.0
    matrix("token_embd", width, vocabulary)
    norm("output_norm.weight")
    for layer in range(layers):
        norm(f"blk.{layer}.attn_norm.weight", layer_scale)
        norm(f"blk.{layer}.ffn_norm.weight", layer_scale)
        matrix("attn_q", width, width, layer)
        matrix("attn_k", width, key_width, layer)
        matrix("attn_v", width, key_width, layer)
        matrix("attn_output", width, width, layer)
        matrix("ffn_gate", width, hidden, layer)
        matrix("ffn_up", width, hidden, layer)
        matrix("ffn_down", hidden, width, layer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
