"""Writes a GGUF of the Llama architecture with random Q8_0 weights, of the size of Qwen2.5-0.5B, to measure speed with.

    pip install gguf==0.19.0
    python3 make_model.py /tmp/half-billion-Q8_0.gguf
"""

import sys

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, TokenType

LAYERS, WIDTH, HIDDEN, HEADS, KEY_HEADS, VOCABULARY, CONTEXT = 24, 896, 4864, 14, 2, 151_936, 4_096
KEY_WIDTH = WIDTH // HEADS * KEY_HEADS
random = np.random.default_rng(1)
writer = GGUFWriter(sys.argv[1], "llama")
writer.add_context_length(CONTEXT)
writer.add_embedding_length(WIDTH)
writer.add_block_count(LAYERS)
writer.add_feed_forward_length(HIDDEN)
writer.add_head_count(HEADS)
writer.add_head_count_kv(KEY_HEADS)
writer.add_layer_norm_rms_eps(1e-6)
writer.add_rope_dimension_count(WIDTH // HEADS)
writer.add_rope_freq_base(1_000_000.0)
writer.add_vocab_size(VOCABULARY)
names = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL] + [TokenType.BYTE] * 256
names += [f"▁{index}" for index in range(VOCABULARY - len(names))]
kinds += [TokenType.NORMAL] * (VOCABULARY - len(kinds))
writer.add_tokenizer_model("llama")
writer.add_token_list(names)
writer.add_token_scores([-float(index) for index in range(VOCABULARY)])
writer.add_token_types(kinds)
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)


def matrix(name, width, rows):
    blocks = np.empty((rows, width // 32, 34), dtype=np.uint8)
    scale = np.float16(1.7 / 127 / np.sqrt(width))
    blocks[:, :, :2] = np.frombuffer(scale.tobytes(), dtype=np.uint8)
    blocks[:, :, 2:] = random.integers(-127, 128, (rows, width // 32, 32), dtype=np.int8).view(np.uint8)
    writer.add_tensor(name, blocks.reshape(rows, -1), raw_dtype=GGMLQuantizationType.Q8_0)


def ones(name):
    writer.add_tensor(name, np.ones(WIDTH, dtype=np.float32))


matrix("token_embd.weight", WIDTH, VOCABULARY)
ones("output_norm.weight")
for layer in range(LAYERS):
    block = f"blk.{layer}."
    ones(block + "attn_norm.weight")
    ones(block + "ffn_norm.weight")
    matrix(block + "attn_q.weight", WIDTH, WIDTH)
    matrix(block + "attn_k.weight", WIDTH, KEY_WIDTH)
    matrix(block + "attn_v.weight", WIDTH, KEY_WIDTH)
    matrix(block + "attn_output.weight", WIDTH, WIDTH)
    matrix(block + "ffn_gate.weight", WIDTH, HIDDEN)
    matrix(block + "ffn_up.weight", WIDTH, HIDDEN)
    matrix(block + "ffn_down.weight", HIDDEN, WIDTH)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
