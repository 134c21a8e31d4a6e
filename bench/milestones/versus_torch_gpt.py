"""Time the training step of a small GPT against PyTorch, one thread each.

The model is tt.GPT without dropout, as milestone 05 trains it.
Run from the root, with a Python that has torch 2.13 and numpy:
    OPENBLAS_NUM_THREADS=1 PYTHONPATH=.:reference \
        python bench/milestones/versus_torch_gpt.py \
        --out bench/milestones/torch_gpt.json
Method: README.md beside this file.
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from interleave import Batch, Step, compare, setting
from torch.nn import functional

STEPS: Final = 4  # a block of one side before the others have their turns
RATE: Final = 1e-3


class Size(NamedTuple):
    """Sizes of a model and of its batches."""

    vocabulary: int = 67
    width: int = 128
    layers: int = 4
    heads: int = 4
    context: int = 64
    batch: int = 12


def batches(size: Size, seed: int) -> list[Batch]:
    """Return STEPS batches of random ids: speed does not depend on their values."""
    rng = np.random.default_rng(seed)
    shape = (size.batch, size.context + 1)
    texts = [rng.integers(0, size.vocabulary, shape) for _ in range(STEPS)]
    return [(text[:, :-1].copy(), text[:, 1:].copy()) for text in texts]


def ours(size: Size) -> tuple[Step, Any]:
    """Return the step of tinytorch, and its model."""
    tt = importlib.import_module("tinytorch")
    np.random.seed(0)  # noqa: NPY002 - the layers draw their weights from it
    model = tt.GPT(size.vocabulary, *size[1:4], size.context)
    model.eval()  # no dropout; gradients are tracked all the same
    optimizer = tt.AdamW(model.parameters(), lr=RATE)
    loss_fn = tt.CrossEntropyLoss()

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        loss = loss_fn(model(x).reshape(-1, size.vocabulary), y.ravel())
        loss.backward()
        optimizer.step()
        return float(loss.data)

    return step, model


def linear(*layers: Any) -> torch.nn.Linear:
    """Return one layer of PyTorch that does what tinytorch's do side by side."""
    weight = np.concatenate([layer.weight.data for layer in layers], axis=1)
    theirs = torch.nn.Linear(*weight.shape, bias=layers[0].bias is not None)
    with torch.no_grad():
        theirs.weight.copy_(torch.from_numpy(weight.T.copy()))
        if layers[0].bias is not None:
            bias = np.concatenate([layer.bias.data for layer in layers])
            theirs.bias.copy_(torch.from_numpy(bias))
    return theirs


def table(parameter: Any) -> torch.nn.Embedding:
    """Return an embedding with a copy of a table."""
    return torch.nn.Embedding.from_pretrained(
        torch.from_numpy(parameter.data.copy()), freeze=False
    )


class Block(torch.nn.Module):
    """A pre-norm block, the way that is fastest in PyTorch."""

    def __init__(self, block: Any, gelu: Any) -> None:
        super().__init__()
        attention, mlp = block.attention, block.mlp
        width, self.heads, self.gelu = attention.embed_dim, attention.num_heads, gelu
        self.ln1, self.ln2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        # One product for queries, keys and values.
        self.qkv = linear(attention.q_proj, attention.k_proj, attention.v_proj)
        self.out = linear(attention.out_proj)
        self.wide, self.narrow = linear(mlp.linear1), linear(mlp.linear2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        parts = self.qkv(self.ln1(x)).view(batch, length, 3, self.heads, -1)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        read = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(read.transpose(1, 2).reshape(batch, length, width))
        return x + self.narrow(self.gelu(self.wide(self.ln2(x))))


class Model(torch.nn.Module):
    """The same GPT, with copies of the weights."""

    def __init__(self, model: Any, gelu: Any) -> None:
        super().__init__()
        self.tokens = table(model.embedding.token_embedding.weight)
        self.places = table(model.embedding.pos_encoding.parameters()[0])
        self.blocks = torch.nn.Sequential(*(Block(b, gelu) for b in model.blocks))
        self.norm = torch.nn.LayerNorm(model.ln_f.gamma.size)
        self.head = linear(model.lm_head)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        logits: torch.Tensor = self.head(self.norm(self.blocks(x)))
        return logits


def sigmoid_gelu(x: torch.Tensor) -> torch.Tensor:
    """Return x * sigmoid(1.702 x), the form that tinytorch has."""
    return x * torch.sigmoid(1.702 * x)


def tanh_gelu(x: torch.Tensor) -> torch.Tensor:
    """Return PyTorch's own GELU, one operation and so its fastest."""
    return functional.gelu(x, approximate="tanh")


def theirs(model: Any, gelu: Any) -> Step:
    """Return the step of PyTorch, starting from copies of the same weights."""
    net = Model(model, gelu)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, fused=True)

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        logits = net(torch.from_numpy(x))
        loss = functional.cross_entropy(
            logits.flatten(0, 1), torch.from_numpy(y.ravel())
        )
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def measured(size: Size, rounds: int) -> dict[str, Any]:
    """Compare with PyTorch and its own GELU, and with the GELU of tinytorch."""
    step, model = ours(size)
    sides = {
        "tinytorch": step,
        "torch": theirs(model, tanh_gelu),
        "torch_sigmoid_gelu": theirs(model, sigmoid_gelu),
    }
    result = compare(sides, lambda seed: batches(size, seed), rounds)
    return result | size._asdict()


def main() -> None:
    """Compare at several sizes and print, and store where asked, the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=24)
    asked = parser.parse_args()
    results = setting()
    # The first is that of milestone 05.
    milestone = Size(width=96, layers=2, heads=6, context=128, batch=4)
    for size in (milestone, Size(), Size(context=128)):
        name = f"width_{size.width}_layers_{size.layers}_context_{size.context}"
        results[name] = measured(size, asked.rounds)
    text = json.dumps(results, indent=1)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
