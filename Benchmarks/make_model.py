"""Writes a Llama-shaped model of 0.5 billion random weights as Q8_0, to measure speed with: pip install gguf numpy

    python make_model.py vocabulary.gguf model.gguf

The vocabulary (any GGUF with a SentencePiece tokenizer) gives the tokens; the weights mean nothing.
"""

import sys

import gguf
import numpy as np

LAYERS, WIDTH, HIDDEN, HEADS, KEY_HEADS, CONTEXT = 30, 1024, 4096, 16, 4, 2048

source = gguf.GGUFReader(sys.argv[1])
field = lambda name: source.fields["tokenizer.ggml." + name]
tokens = [bytes(field("tokens").parts[i]) for i in field("tokens").data]
scores = [float(field("scores").parts[i][0]) for i in field("scores").data]
types = [int(field("token_type").parts[i][0]) for i in field("token_type").data]

random = np.random.default_rng(1)
writer = gguf.GGUFWriter(sys.argv[2], "llama")
writer.add_context_length(CONTEXT)
writer.add_embedding_length(WIDTH)
writer.add_block_count(LAYERS)
writer.add_feed_forward_length(HIDDEN)
writer.add_head_count(HEADS)
writer.add_head_count_kv(KEY_HEADS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_dimension_count(WIDTH // HEADS)
writer.add_vocab_size(len(tokens))
writer.add_tokenizer_model("llama")
writer.add_token_list(tokens)
writer.add_token_scores(scores)
writer.add_token_types(types)
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)


def matrix(name, rows, width):
    weights = (random.standard_normal((rows, width), dtype=np.float32) * 0.02)
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name + ".weight", gguf.quants.quantize(weights, kind), raw_dtype=kind)


matrix("token_embd", len(tokens), WIDTH)
matrix("output", len(tokens), WIDTH)
writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
for layer in range(LAYERS):
    keys = WIDTH // HEADS * KEY_HEADS
    shapes = [("attn_q", WIDTH, WIDTH), ("attn_k", keys, WIDTH), ("attn_v", keys, WIDTH), ("attn_output", WIDTH, WIDTH),
              ("ffn_gate", HIDDEN, WIDTH), ("ffn_up", HIDDEN, WIDTH), ("ffn_down", WIDTH, HIDDEN)]
    for name, rows, width in shapes:
        matrix(f"blk.{layer}.{name}", rows, width)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(WIDTH, np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
