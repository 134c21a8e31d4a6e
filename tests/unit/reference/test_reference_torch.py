"""Parity with PyTorch, where it is installed; the project never depends on it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")

STEPS = 20
# float32 sums in another order, amplified by 20 steps.
RTOL, ATOL = 1e-3, 1e-5
OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    "Adam": {"lr": 0.01, "weight_decay": 0.01},
    "AdamW": {"lr": 0.01, "weight_decay": 0.1},
}
LOSSES = ("MSELoss", "CrossEntropyLoss")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_training_follows_pytorch(
    tt: ModuleType, rng: np.random.Generator, optimizer: str, loss: str
) -> None:
    ours = tt.Sequential(tt.Linear(6, 8), tt.Tanh(), tt.Linear(8, 3))
    theirs = torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)
    )
    with torch.no_grad():
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            b.copy_(torch.tensor(a.data.T))
    x = rng.normal(size=(16, 6)).astype(np.float32)
    y = rng.normal(size=(16, 3)).astype(np.float32)
    y = y.argmax(axis=1) if loss == "CrossEntropyLoss" else y
    how = OPTIMIZERS[optimizer]
    step_ours = getattr(tt, optimizer)(ours.parameters(), **how)
    step_theirs = getattr(torch.optim, optimizer)(theirs.parameters(), **how)

    for _ in range(STEPS):
        step_ours.zero_grad()
        getattr(tt, loss)()(ours(tt.Tensor(x)), y).backward()
        step_ours.step()
        step_theirs.zero_grad()
        getattr(torch.nn, loss)()(theirs(torch.tensor(x)), torch.tensor(y)).backward()
        step_theirs.step()

    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(a.data.T, b.detach().numpy(), rtol=RTOL, atol=ATOL)


def test_clipping_and_schedule_follow_pytorch(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    w = tt.Tensor(np.zeros((3, 2)), requires_grad=True)
    w.grad = rng.normal(size=(3, 2)).astype(np.float32)
    p = torch.nn.Parameter(torch.zeros(3, 2))
    p.grad = torch.tensor(w.grad.copy())
    made = torch.optim.SGD([p], lr=0.5)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(made, T_max=5, eta_min=0.1)
    rates = []
    for _ in range(5):
        rates.append(made.param_groups[0]["lr"])
        made.step()
        cosine.step()

    norm = tt.clip_grad_norm([w], 0.5)
    schedule = tt.CosineSchedule(0.5, 0.1, 5)

    assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_([p], 0.5).item())
    np.testing.assert_allclose(w.grad, p.grad.numpy(), rtol=1e-5)
    assert [schedule.get_lr(e) for e in range(5)] == pytest.approx(rates)
