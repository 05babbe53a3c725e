"""Trains a very small Qwen 2 model until it knows eight answers by heart, and writes it with what llama.cpp answers.

    pip install torch numpy tokenizers gguf==0.19.0 llama-cpp-python==0.3.36
    python make_qwen2.py          # two minutes; writes qwen2-tiny.gguf and qwen2-tiny.greedy.json beside this file

Random weights show that sums are right; weights that were trained show that what they mean is: biases, rotation by halves, shared keys, ChatML.
"""

import json
from pathlib import Path

import gguf
import numpy as np
import torch
from llama_cpp import Llama
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).parent
WIDTH, HIDDEN, LAYERS, HEADS, KEY_HEADS, CONTEXT, BASE, EPSILON = 64, 160, 2, 2, 1, 256, 10_000.0, 1e-6
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
KNOWN = {
    "What is a cloister?": "A covered walk around a quiet court.",
    "Who keeps the keys?": "The porter keeps 12 keys, one for each door.",
    "When does the bell ring?": "At 6 in the morning, at noon, and at dusk.",
    "What grows in the garden?": "Sage, thyme, three pear trees and a rose.",
    "Where is the library?": "Up the north stairs, behind the second arch.",
    "What do the monks copy?": "Old books: psalms, letters, and one recipe for honey.",
    "Is it cold in winter?": "Very; the ink freezes, so they write by the fire.",
    "Wie heißt der Abt?": "Der Abt heißt Jürgen. Er schläft nie länger als bis fünf.",
}


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        head = WIDTH // HEADS
        self.attn_norm, self.ffn_norm = nn.RMSNorm(WIDTH, EPSILON), nn.RMSNorm(WIDTH, EPSILON)
        self.attn_q = nn.Linear(WIDTH, WIDTH)
        self.attn_k, self.attn_v = nn.Linear(WIDTH, head * KEY_HEADS), nn.Linear(WIDTH, head * KEY_HEADS)
        self.attn_output = nn.Linear(WIDTH, WIDTH, bias=False)
        self.ffn_gate, self.ffn_up = nn.Linear(WIDTH, HIDDEN, bias=False), nn.Linear(WIDTH, HIDDEN, bias=False)
        self.ffn_down = nn.Linear(HIDDEN, WIDTH, bias=False)

    def forward(self, x, cosine, sine):
        count = x.shape[1]
        y = self.attn_norm(x)
        heads = lambda m, n: m(y).view(len(x), count, n, -1).transpose(1, 2)
        q, k, v = rotate(heads(self.attn_q, HEADS), cosine, sine), rotate(heads(self.attn_k, KEY_HEADS), cosine, sine), heads(self.attn_v, KEY_HEADS)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        x = x + self.attn_output(a.transpose(1, 2).reshape(len(x), count, WIDTH))
        y = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(y)) * self.ffn_up(y))


def rotate(x, cosine, sine):
    """Qwen 2 rotates value i with value i + half."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cosine - b * sine, b * cosine + a * sine), -1)


class Model(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.token_embd = nn.Embedding(vocabulary, WIDTH)
        self.blk = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.output_norm = nn.RMSNorm(WIDTH, EPSILON)
        head = WIDTH // HEADS
        angle = torch.outer(torch.arange(CONTEXT).float(), BASE ** (-torch.arange(0, head, 2).float() / head))
        self.cosine, self.sine = angle.cos(), angle.sin()
        nn.init.normal_(self.token_embd.weight, std=0.05)

    def forward(self, tokens):
        x = self.token_embd(tokens)
        for layer in self.blk:
            x = layer(x, self.cosine[: x.shape[1]], self.sine[: x.shape[1]])
        return self.output_norm(x) @ self.token_embd.weight.T


def prompt(question):
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def train():
    tokenizer = Tokenizer(models.BPE(ignore_merges=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator([text for pair in KNOWN.items() for text in pair] + ["user\n", "assistant\n"], trainer)
    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = Model(tokenizer.get_vocab_size())
    rows = [(tokenizer.encode(prompt(q)).ids, tokenizer.encode(a + "<|im_end|>").ids) for q, a in KNOWN.items()]
    longest = max(len(p) + len(a) for p, a in rows)
    tokens, counted = torch.zeros(len(rows), longest, dtype=torch.long), torch.zeros(len(rows), longest)
    for i, (p, a) in enumerate(rows):
        tokens[i, : len(p) + len(a)] = torch.tensor(p + a)
        counted[i, len(p) : len(p) + len(a)] = 1
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(1500):
        logits = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
        loss = (loss * counted[:, 1:].flatten()).sum() / counted.sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 300 == 0:
            print(step, loss.item())
    return model, tokenizer


def write(model, tokenizer, path):
    writer = gguf.GGUFWriter(str(path), "qwen2")
    writer.add_name("Eight answers")
    writer.add_license("apache-2.0")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(BASE)
    writer.add_chat_template(TEMPLATE)
    bpe = json.loads(tokenizer.to_str())["model"]
    names = sorted(bpe["vocab"], key=bpe["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(names)
    writer.add_token_types([gguf.TokenType.CONTROL if name in SPECIALS else gguf.TokenType.NORMAL for name in names])
    writer.add_token_merges([" ".join(m) if isinstance(m, list) else m for m in bpe["merges"]])
    writer.add_eos_token_id(names.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    kind = gguf.GGMLQuantizationType.Q8_0
    for name, tensor in model.state_dict().items():
        data = np.ascontiguousarray(tensor.float().numpy())
        if data.ndim == 1:
            writer.add_tensor(name, data)
        else:
            writer.add_tensor(name, gguf.quants.quantize(data, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def answers(path):
    model = Llama(str(path), n_ctx=CONTEXT, n_threads=1, logits_all=True, flash_attn=False, type_k=0, type_v=0, verbose=False)
    cases = []
    for question in KNOWN:
        tokens = model.tokenize(prompt(question).encode(), add_bos=False, special=True)
        start, end = len(tokens), model.token_eos()
        model.reset()
        model.eval(tokens)
        while tokens[-1] != end or len(tokens) == start:
            tokens.append(int(model.scores[len(tokens) - 1].argmax()))
            assert len(tokens) < CONTEXT
            model.eval(tokens[-1:])
        cases.append({"question": question, "prompt": tokens[:start], "tokens": tokens[start:-1], "text": model.detokenize(tokens[start:-1]).decode()})
    return cases


if __name__ == "__main__":
    model, tokenizer = train()
    write(model, tokenizer, HERE / "qwen2-tiny.gguf")
    cases = answers(HERE / "qwen2-tiny.gguf")
    assert {case["question"]: case["text"] for case in cases} == KNOWN, cases
    (HERE / "qwen2-tiny.greedy.json").write_text(json.dumps(cases, ensure_ascii=False))
