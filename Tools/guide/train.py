"""Trains the built-in guide on a CPU and writes guide.gguf. See README.md for the command."""

import argparse
import math
import time
from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional as F

import export
from corpus import DECLINE, HERE, Sampler, follow_ups, held_out
from model import Guide, Shape

SPECIALS = ["<|end|>", "<|user|>", "<|assistant|>"]
FIRST_WORDS, FIRST_TOKENS = 4, 8
# Llama 3's splitting, as `tokenizer.ggml.pre = llama-bpe` means it.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def configured(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train_tokenizer(sampler: Sampler, size: int) -> Tokenizer:
    tokenizer = configured(Tokenizer(models.BPE(ignore_merges=True)))
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    lines = [text for _ in range(20_000) for text in sampler.pair()]
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def resume(path: Path) -> tuple[Guide, Tokenizer]:
    """The model and the tokenizer of an earlier run, from its file: to go on after the text has grown."""
    reader = gguf.GGUFReader(str(path))
    strings = lambda key: [bytes(reader.fields[key].parts[i]).decode() for i in reader.fields[key].data]
    tokens = strings("tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in strings("tokenizer.ggml.merges")]
    tokenizer = configured(Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges, ignore_merges=True)))
    tokenizer.add_special_tokens(SPECIALS)
    model = Guide(Shape(vocabulary=len(tokens)))
    state = {t.name: torch.tensor(gguf.quants.dequantize(t.data, t.tensor_type).copy()) for t in reader.tensors}
    model.load_state_dict({name: state[name].reshape(value.shape) for name, value in model.state_dict().items()})
    return model, tokenizer


def encode(tokenizer: Tokenizer, turns) -> tuple[list[int], list[int]]:
    """Tokens of a conversation and, for each, whether the loss counts it: the answers and their ends."""
    end, user, assistant = range(3)
    tokens, counted = [], []
    for question, answer in turns:
        q, a = tokenizer.encode(question).ids, tokenizer.encode(answer).ids
        tokens += [user] + q + [end, assistant] + a + [end]
        counted += [0] * (len(q) + 3) + [1] * (len(a) + 1)
    return tokens, counted


def batch_of(tokenizer, sampler, size, context, beginnings):
    """Whole conversations, or twice as many with only the first words of the last answer: those decide which answer comes."""
    if beginnings:
        drawn = [sampler.conversation() for _ in range(2 * size)]
        rows = [encode(tokenizer, turns[:-1] + [(turns[-1][0], " ".join(turns[-1][1].split()[:FIRST_WORDS]))]) for turns in drawn]
        rows = [(tokens[:-1], [0] * (len(tokens) - FIRST_TOKENS - 1) + counted[-FIRST_TOKENS - 1:-1]) for tokens, counted in rows]
    else:
        rows = [encode(tokenizer, sampler.conversation()) for _ in range(size)]
    size = len(rows)
    longest = min(max(len(tokens) for tokens, _ in rows), context)
    x = torch.zeros(size, longest, dtype=torch.long)
    mask = torch.zeros(size, longest)
    for i, (tokens, counted) in enumerate(rows):
        n = min(len(tokens), longest)
        x[i, :n] = torch.tensor(tokens[:n])
        mask[i, :n] = torch.tensor(counted[:n], dtype=torch.float)
    return x, mask


@torch.no_grad()
def greedy(model: Guide, tokenizer: Tokenizer, *turns: str, limit: int = 110) -> str:
    """The answer to a question, or to the last one of question, answer, question."""
    model.eval()
    tokens = [t for i, turn in enumerate(turns) for t in [1 + i % 2] + tokenizer.encode(turn).ids + [0]] + [2]
    start = len(tokens)
    while len(tokens) - start < limit:
        following = int(model(torch.tensor([tokens]))[0, -1].argmax())
        if following == 0:
            break
        tokens.append(following)
    return tokenizer.decode(tokens[start:])


def check(model, tokenizer, answers) -> str:
    pairs, outside = held_out()
    answers = answers | {"outside": DECLINE}
    right = sum(greedy(model, tokenizer, q) == answers[intent] for intent, q in pairs)
    declined = sum(greedy(model, tokenizer, q) == DECLINE for q in outside)
    seconds = follow_ups()
    followed = sum(greedy(model, tokenizer, q, answers.get(i, DECLINE), second) == answers[j] for i, q, second, j in seconds)
    return f"{right / len(pairs):.1%} right, {declined / len(outside):.1%} declined, {followed / len(seconds):.1%} of follow-ups right"


def recent(losses) -> str:
    return f"loss {np.mean(losses[False][-50:]):.4f}, of beginnings {np.mean(losses[True][-150:]):.4f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--vocabulary", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="go on from this file")
    parser.add_argument("--out", type=Path, default=HERE / "guide.gguf")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    sampler = Sampler(options.seed)
    if options.resume:
        model, tokenizer = resume(options.resume)
    else:
        tokenizer = train_tokenizer(Sampler(options.seed + 1), options.vocabulary)
        model = Guide(Shape(vocabulary=tokenizer.get_vocab_size()))
    shape = model.shape
    count = sum(p.numel() for p in model.parameters())
    print(f"{len(sampler.intents)} intents, {sum(map(len, sampler.questions.values()))} questions, {count} parameters", flush=True)

    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() == 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}], lr=options.rate, betas=(0.9, 0.98)
    )
    start, step, losses = time.time(), 0, {True: [], False: []}
    while (spent := (time.time() - start) / 60) < options.minutes:
        progress = spent / options.minutes
        rate = options.rate * min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * progress))
        for group in optimiser.param_groups:
            group["lr"] = rate
        beginnings = step % (2 if progress < 0.4 else 4) != 0
        x, mask = batch_of(tokenizer, sampler, options.batch, shape.context, beginnings)
        model.train()
        logits = model(x[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), x[:, 1:].flatten(), reduction="none")
        loss = (loss * mask[:, 1:].flatten()).sum() / mask[:, 1:].sum()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses[beginnings].append(loss.item())
        step += 1
        if step % 100 == 0:
            print(f"step {step}, {spent:.1f} min, {recent(losses)}", flush=True)
            export.write(model, tokenizer, options.out)
    export.write(model, tokenizer, options.out)
    print(f"{step} steps, {recent(losses)}; held out: {check(model, tokenizer, sampler.answers)}")


if __name__ == "__main__":
    main()
