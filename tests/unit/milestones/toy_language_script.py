"""Run in a subprocess: a very small language model through the shared runner.

It has what the milestone of 2017 has, on a scale that tests can afford.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from milestones import datasets, runner

WIDTH, CONTEXT, VOCABULARY = 16, 32, len(datasets.ALPHABET)
STEPS, BATCH, PREDICT_BATCH = 15, 8, 4


def build(
    tt: Any,
    rng: np.random.Generator,
    width: int = 1,
    depth: int = 1,
    context: int = 1,
) -> dict[str, Any]:
    size = WIDTH * width
    blocks = {
        f"{name}{i}": layer
        for i in range(depth)
        for name, layer in (
            ("norm", tt.LayerNorm(size)),
            ("attention", tt.MultiHeadAttention(size, 2)),
        )
    }
    return {
        "tokens": tt.Embedding(VOCABULARY, size),
        "places": tt.PositionalEncoding(CONTEXT * context, size),
        **blocks,
        "head": tt.Linear(size, VOCABULARY, bias=False),
    }


def forward(tt: Any, model: dict[str, Any], ids: Any) -> Any:
    x = model["places"](model["tokens"](ids))
    mask = tt.create_causal_mask(ids.shape[1])
    for i in range(len(model) // 2 - 1):
        x = x + model[f"attention{i}"](model[f"norm{i}"](x), mask)
    return model["head"](tt.GELU()(x))


def train(
    tt: Any,
    model: dict[str, Any],
    data: dict[str, Any],
    budget: dict[str, int],
    log: Callable[..., None],
) -> Iterator[None]:
    rng = np.random.default_rng(budget["seed"])
    length = len(model["places"].weight.data)
    optimizer = tt.Adam([p for layer in model.values() for p in layer.parameters()])
    optimizer.lr = 1e-2
    loss_fn, steps = tt.CrossEntropyLoss(), budget.get("steps", STEPS)
    loss: Any = None
    if SLEEP_S:
        sys.stderr.write("training begins\n")
    for epoch in range(1, budget["epochs"] + 1):
        for step in range(1, steps + 1):
            starts = rng.integers(len(data["x"]) - length, size=budget.get("batch", 8))
            rows = starts[:, None] + np.arange(length)
            logits = forward(tt, model, data["x"][rows])
            ids = data["y"][rows].reshape(-1).astype(np.int64)
            loss = loss_fn(logits.reshape(-1, VOCABULARY), tt.Tensor(ids))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            log(step=step, steps=steps)
            time.sleep(SLEEP_S)
        log(epoch=epoch, loss=float(loss.data))
        yield


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    with tt.no_grad():
        parts = [
            forward(tt, model, x[i : i + PREDICT_BATCH]).data
            for i in range(0, len(x), PREDICT_BATCH)
        ]
    return np.concatenate(parts).astype(np.float32)


def after(run: runner.Finished) -> dict[str, Any]:
    run.say(f"more about {run.splits.title}")
    return {"seed_seen": run.seed, "reached": True}


def after_too_little(run: runner.Finished) -> dict[str, Any]:
    return {"seed_seen": run.seed, "reached": False}


# Set by a test that wants time to interrupt.
SLEEP_S = float(os.environ.get("TOY_SLEEP_S", "0"))
if __name__ == "__main__":
    script = runner.Script(
        doc=__doc__ or "",
        build=build,
        train=train,
        predict=predict,
        load=partial(datasets.sonnets, window=CONTEXT),
        epochs=3,
        batch=BATCH,
        target=3.6,
        era=runner.Era("a test's computer", 1e6, 1 << 20, "Nothing to remark."),
        task="language",
        steps=STEPS,
        after=after,
    )
    runner.main(
        script,
        not_enough=replace(script, after=after_too_little),
        out_of_reach=replace(script, target=0.5),
    )
