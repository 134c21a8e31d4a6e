"""Entries: every track and division, measured the way an organizer would."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

PAIRS = [
    *(
        (t, d)
        for t in ("latency", "all-round", "generation")
        for d in ("closed", "open")
    ),
    ("capstone", "open"),
]


@pytest.mark.parametrize(("track", "division"), PAIRS)
def test_answers_stay_close(
    tt: ModuleType, rng: np.random.Generator, track: str, division: str
) -> None:
    entry = tt.TinyMLPerfEntry(track, division)
    model = entry.build()
    model.eval()
    text = track == "generation"
    x = rng.integers(0, 65, size=(2, 9)) if text else rng.random((50, 784))
    want, size = model(tt.Tensor(x)).data.copy(), tt.model_size_bytes(model)

    small = entry.optimize(model)
    got = small(tt.Tensor(x)).data

    assert (
        np.abs(got - want).max()
        <= (0.05 if division == "open" else 1e-6) * np.abs(want).max()
    )
    assert tt.model_size_bytes(small) <= (0.35 if division == "open" else 1) * size


def test_an_open_generator_writes_what_the_quantized_model_does(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    entry = tt.TinyMLPerfEntry("generation", "open")
    model = entry.optimize(entry.build())
    prompt = tt.Tensor(rng.integers(0, 65, size=(1, 3)))

    cached = model.generate(prompt, 80, temperature=0).data
    tt.disable_kv_cache(model)

    assert (model.generate(prompt, 80, temperature=0).data == cached).all()


def test_models_that_learn_still_do(tt: ModuleType, rng: np.random.Generator) -> None:
    entry = tt.TinyMLPerfEntry("training", "open")
    model = entry.optimize(entry.build())
    x, y = rng.random((32, 784)), rng.integers(0, 10, size=32)
    optimizer = tt.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = tt.CrossEntropyLoss()(model(tt.Tensor(x)), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < losses[0] / 4


def test_the_cnn_answers(tt: ModuleType) -> None:
    model = tt.TinyMLPerfEntry("memory", "closed").build()

    assert model(tt.Tensor(np.zeros((1, 3, 32, 32)))).shape == (1, 10)
    assert sum(p.size for p in model.parameters()) == 1_105_098
