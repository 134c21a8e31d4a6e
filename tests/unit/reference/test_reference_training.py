"""Optimizers against closed forms in float64; the trainer against itself."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

STEPS = 12
# float32 against float64 over 12 steps of size about 0.1.
RTOL, ATOL = 2e-5, 2e-6


def trace(optimizer: Any, w: Any, grads: np.ndarray) -> np.ndarray:
    """Return the parameter after each step with the given gradients."""
    found = []
    for g in grads:
        w.grad = g.astype(np.float32)
        optimizer.step()
        found.append(w.data.copy())
    return np.array(found)


def sgd(w: np.ndarray, grads: np.ndarray, lr: float, mu: float, wd: float) -> Any:
    v = np.zeros_like(w)
    for g in grads:
        v = mu * v + g + wd * w
        w = w - lr * v
        yield w


def adam(w: np.ndarray, grads: np.ndarray, *, wd: float, decoupled: bool) -> Any:
    lr, b1, b2, eps = 0.1, 0.8, 0.95, 1e-3
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, grad in enumerate(grads, start=1):
        g = grad if decoupled else grad + wd * w
        w = w * (1 - lr * wd) if decoupled else w
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        w = w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
        yield w


@pytest.mark.parametrize("mu", [0.0, 0.9])
@pytest.mark.parametrize("wd", [0.0, 0.1])
def test_sgd_follows_the_closed_form(
    tt: ModuleType, rng: np.random.Generator, mu: float, wd: float
) -> None:
    start, grads = rng.normal(size=(3, 2)), rng.normal(size=(STEPS, 3, 2))
    w = tt.Tensor(start, requires_grad=True)

    got = trace(tt.SGD([w], lr=0.1, momentum=mu, weight_decay=wd), w, grads)

    want = list(sgd(start, grads, 0.1, mu, wd))
    np.testing.assert_allclose(got, want, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
@pytest.mark.parametrize("wd", [0.0, 0.5])
def test_adam_follows_the_closed_form(
    tt: ModuleType, rng: np.random.Generator, name: str, wd: float
) -> None:
    start, grads = rng.normal(size=(3, 2)), rng.normal(size=(STEPS, 3, 2))
    w = tt.Tensor(start, requires_grad=True)
    how = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": wd}

    got = trace(getattr(tt, name)([w], **how), w, grads)

    want = list(adam(start, grads, wd=wd, decoupled=name == "AdamW"))
    np.testing.assert_allclose(got, want, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_optimizers_leave_gradients_and_skip_missing_ones(
    tt: ModuleType, name: str
) -> None:
    a, b = (tt.Tensor([1.0], requires_grad=True) for _ in range(2))
    a.grad = np.array([0.5], dtype=np.float32)
    optimizer = getattr(tt, name)([a, b], lr=0.1, weight_decay=0.1)
    data = a.data

    optimizer.step()

    assert a.grad.tolist() == [0.5]
    assert a.data is data
    assert a.data[0] != 1
    assert b.data.tolist() == [1.0]


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_optimizers_refuse_untracked_parameters(tt: ModuleType, name: str) -> None:
    with pytest.raises(ValueError, match=r"\(2,\)"):
        getattr(tt, name)([tt.Tensor([1.0, 2.0])])


def test_cosine_schedule_reaches_its_ends_and_stays(tt: ModuleType) -> None:
    schedule = tt.CosineSchedule(0.5, 0.1, 8)

    assert schedule.get_lr(0) == 0.5
    assert schedule.get_lr(8) == pytest.approx(0.1)
    assert schedule.get_lr(20) == pytest.approx(0.1)
    assert schedule.get_lr(2) == pytest.approx(0.1 + 0.4 * (1 + 0.5**0.5) / 2)
    assert type(schedule.get_lr(3)) is float  # a numpy number would widen the step


def test_clipping_returns_the_norm_before(tt: ModuleType) -> None:
    a, b, c = (tt.Tensor([0.0], requires_grad=True) for _ in range(3))
    a.grad, b.grad = np.array([3], np.float32), np.array([4], np.float32)

    first = tt.clip_grad_norm([a, b, c], 1.0)
    second = tt.clip_grad_norm([a, b, c], 2.0)

    assert (first, second) == (5.0, pytest.approx(1.0))
    assert a.grad == pytest.approx(0.6)
    assert c.grad is None


def batches(seed: int, sizes: tuple[int, ...] = (8, 8, 5)) -> list[Any]:
    rng = np.random.default_rng(seed)
    xs = [rng.normal(size=(n, 3)).astype(np.float32) for n in sizes]
    return [(x, (x[:, 0] > 0).astype(np.int64)) for x in xs]


def trainer(tt: ModuleType, optimizer: str, **extra: Any) -> Any:
    np.random.seed(1)  # noqa: NPY002 -- the course's layers draw from there
    model = tt.Sequential(tt.Linear(3, 4), tt.Tanh(), tt.Linear(4, 2))
    model.offset = tt.Tensor(np.zeros(2))  # a buffer
    how = {"lr": 0.05} | ({"momentum": 0.9} if optimizer == "SGD" else {})
    made = getattr(tt, optimizer)(model.parameters(), **how)
    schedule = tt.CosineSchedule(0.1, 0.01, 6)
    return tt.Trainer(model, made, tt.CrossEntropyLoss(), schedule, **extra)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
def test_resuming_equals_not_having_stopped(
    tt: ModuleType, tmp_path: Path, optimizer: str
) -> None:
    straight = trainer(tt, optimizer)
    for epoch in range(6):
        straight.train_epoch(batches(epoch))
    stopped = trainer(tt, optimizer)
    for epoch in range(3):
        stopped.train_epoch(batches(epoch))
    stopped.model.offset.data = np.array([1, 2], dtype=np.float32)
    stopped.save_checkpoint(tmp_path / "half")

    resumed = trainer(tt, optimizer)
    resumed.scheduler.max_lr = 99.0
    resumed.load_checkpoint(tmp_path / "half")
    for epoch in range(3, 6):
        resumed.train_epoch(batches(epoch))

    pairs = zip(straight.model.parameters(), resumed.model.parameters(), strict=True)
    assert all((a.data == b.data).all() for a, b in pairs)
    assert resumed.model.offset.data.tolist() == [1.0, 2.0]
    assert resumed.epoch == 6


def test_checkpoint_is_plain_npz_under_the_name_given(
    tt: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint"
    trainer(tt, "Adam").save_checkpoint(path)

    with zipfile.ZipFile(path) as archive:
        heads = [archive.read(name)[:128] for name in archive.namelist()]

    assert all(b"|O" not in head for head in heads)  # no object array: no pickle


def test_checkpoint_of_another_model_is_refused_whole(
    tt: ModuleType, tmp_path: Path
) -> None:
    small = trainer(tt, "SGD")
    small.model.layers[2] = tt.Linear(4, 7)
    small.save_checkpoint(tmp_path / "other")
    victim = trainer(tt, "SGD")
    before = [p.data.copy() for p in victim.model.parameters()]

    with pytest.raises(ValueError, match=r"\(4, 7\).*\(4, 2\)"):
        victim.load_checkpoint(tmp_path / "other")

    after = [p.data for p in victim.model.parameters()]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_epoch_loss_is_the_mean_per_sample(tt: ModuleType) -> None:
    fit = trainer(tt, "SGD")
    fit.scheduler = tt.CosineSchedule(0.0, 0.0, 1)
    data = batches(0)
    x, y = (np.concatenate([b[i] for b in data]) for i in (0, 1))

    whole = fit.loss_fn(fit.model(tt.Tensor(x)), y).item()

    assert fit.train_epoch(data) == pytest.approx(whole, rel=1e-5)
    assert fit.evaluate(data)[0] == pytest.approx(whole, rel=1e-5)


def test_accumulating_equal_batches_equals_one_large_batch(tt: ModuleType) -> None:
    data = batches(0, sizes=(8, 8))
    large = [tuple(np.concatenate([b[i] for b in data]) for i in (0, 1))]
    one, two = trainer(tt, "SGD"), trainer(tt, "SGD")

    one.train_epoch(large)
    two.train_epoch(data, accumulation_steps=2)

    pairs = zip(one.model.parameters(), two.model.parameters(), strict=True)
    assert all(np.allclose(a.data, b.data, atol=1e-6) for a, b in pairs)


def test_incomplete_last_group_makes_a_step(tt: ModuleType) -> None:
    fit = trainer(tt, "Adam")
    fit.train_epoch(iter(batches(0)), accumulation_steps=2)

    assert fit.optimizer.steps == 2
    assert all(p.grad is None for p in fit.model.parameters())


def test_clipping_limits_the_step(tt: ModuleType) -> None:
    fit = trainer(tt, "SGD", grad_clip_norm=1e-3)
    before = [p.data.copy() for p in fit.model.parameters()]
    fit.train_epoch(batches(0, sizes=(8,)))
    moved = [p.data - b for p, b in zip(fit.model.parameters(), before, strict=True)]

    length = np.sqrt(sum(float((m * m).sum()) for m in moved))

    assert length == pytest.approx(0.1 * 1e-3, rel=1e-3)


def test_evaluate_counts_answers_of_both_kinds(tt: ModuleType) -> None:
    class Same:
        def parameters(self) -> list[Any]:
            return []

        def __call__(self, x: Any) -> Any:
            return x

    classes = tt.Trainer(Same(), tt.SGD([]), tt.CrossEntropyLoss())
    logits = np.array([[0, 1], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    yes_no = tt.Trainer(Same(), tt.SGD([]), tt.BinaryCrossEntropyLoss())
    p = np.array([[0.9], [0.2], [0.4], [0.6]], dtype=np.float32)

    assert classes.evaluate([(logits, np.array([1, 0, 0, 1]))])[1] == 0.75
    assert yes_no.evaluate([(p, np.array([[1], [0], [1], [0]]))])[1] == 0.5


def test_training_switches_the_model_and_evaluation_tracks_nothing(
    tt: ModuleType,
) -> None:
    fit = trainer(tt, "SGD")
    fit.evaluate(batches(0))
    evaluated = fit.model.training
    fit.train_epoch(batches(0))

    assert (evaluated, fit.model.training) == (False, True)
    assert tt.Tensor.tracking is True


def test_three_clouds_are_learned(tt: ModuleType, rng: np.random.Generator) -> None:
    centres = np.array([[0, 3], [3, 0], [-3, -3]])
    y = rng.integers(0, 3, size=300)
    x = (centres[y] + rng.normal(size=(300, 2))).astype(np.float32)
    model = tt.Sequential(tt.Linear(2, 16), tt.ReLU(), tt.Linear(16, 3))
    fit = tt.Trainer(model, tt.Adam(model.parameters(), 0.02), tt.CrossEntropyLoss())
    data = [(x[i : i + 30], y[i : i + 30]) for i in range(0, 300, 30)]
    for _ in range(10):
        fit.train_epoch(data)

    assert fit.evaluate(data)[1] > 0.95
