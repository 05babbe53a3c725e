"""A Llama-architecture model in PyTorch, with the rotation of neighbouring pairs that GGUF files of this architecture use."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Shape:
    vocabulary: int
    width: int = 192
    layers: int = 4
    heads: int = 6
    hidden: int = 512
    context: int = 512
    base: float = 10_000.0
    epsilon: float = 1e-5


class Norm(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.width))
        self.epsilon = shape.epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight


class Layer(nn.Module):
    def __init__(self, shape: Shape, dropout: float):
        super().__init__()
        w, h = shape.width, shape.hidden
        self.heads, self.dropout = shape.heads, dropout
        self.attn_norm, self.ffn_norm = Norm(shape), Norm(shape)
        self.attn_q, self.attn_k, self.attn_v, self.attn_output = (nn.Linear(w, w, bias=False) for _ in range(4))
        self.ffn_gate, self.ffn_up = nn.Linear(w, h, bias=False), nn.Linear(w, h, bias=False)
        self.ffn_down = nn.Linear(h, w, bias=False)

    def forward(self, x, cosine, sine):
        batch, count, width = x.shape
        y = self.attn_norm(x)
        q, k, v = (
            m(y).view(batch, count, self.heads, -1).transpose(1, 2) for m in (self.attn_q, self.attn_k, self.attn_v)
        )
        a = F.scaled_dot_product_attention(rotate(q, cosine, sine), rotate(k, cosine, sine), v, is_causal=True)
        a = self.attn_output(a.transpose(1, 2).reshape(batch, count, width))
        x = x + F.dropout(a, self.dropout, self.training)
        y = self.ffn_norm(x)
        y = self.ffn_down(F.silu(self.ffn_gate(y)) * self.ffn_up(y))
        return x + F.dropout(y, self.dropout, self.training)


def rotate(x, cosine, sine):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cosine - b * sine, a * sine + b * cosine), -1).flatten(-2)


class Guide(nn.Module):
    def __init__(self, shape: Shape, dropout: float = 0.1):
        super().__init__()
        self.shape, self.dropout = shape, dropout
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.output_norm = Norm(shape)
        head = shape.width // shape.heads
        frequency = shape.base ** (-torch.arange(0, head, 2).float() / head)
        angle = torch.outer(torch.arange(shape.context).float(), frequency)
        self.register_buffer("cosine", angle.cos(), persistent=False)
        self.register_buffer("sine", angle.sin(), persistent=False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens):
        count = tokens.shape[1]
        x = F.dropout(self.token_embd(tokens), self.dropout, self.training)
        for layer in self.blk:
            x = layer(x, self.cosine[:count], self.sine[:count])
        return self.output_norm(x) @ self.token_embd.weight.T
