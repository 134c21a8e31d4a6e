"""Compression: exact counts, Eckart and Young, and a student that learns."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.checks.checklib import gradients


@given(st.floats(0, 1), st.integers(1, 7), st.integers(0, 3))
def test_sparsity_is_exact_whatever_the_ties(
    package: ModuleType, sparsity: float, width: int, levels: int
) -> None:
    rng = np.random.default_rng(width)
    model = package.Sequential(package.Linear(5, width), package.Linear(width, 3))
    for p in model.parameters():
        p.data[...] = rng.integers(0, levels + 1, size=p.shape)
    n = sum(p.size for p in model.parameters() if p.ndim == 2)
    before = package.measure_sparsity(model)

    package.magnitude_prune(model, sparsity)

    zeros = package.measure_sparsity(model) * n
    assert abs(zeros - max(before * n, sparsity * n)) <= 1


def test_survivors_are_larger_than_what_went(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    model = tt.Sequential(tt.Linear(20, 30), tt.Tanh(), tt.Linear(30, 10))
    weights = [p.data for p in model.parameters() if p.ndim == 2]
    before = np.concatenate([w.ravel() for w in weights])

    tt.magnitude_prune(model, 0.8)

    after = np.concatenate([w.ravel() for w in weights])
    assert np.abs(before[after == 0]).max() <= np.abs(after[after != 0]).min()
    assert (after[after != 0] == before[after != 0]).all()


@pytest.mark.parametrize("shape", [(9, 5), (5, 9), (6, 6)])
@pytest.mark.parametrize("ratio", [0.0, 0.4, 1.0])
def test_low_rank_error_is_that_of_eckart_and_young(
    tt: ModuleType, rng: np.random.Generator, shape: tuple[int, int], ratio: float
) -> None:
    w = rng.normal(size=shape)
    values = np.linalg.svd(w, compute_uv=False)

    u, s, vt = tt.low_rank_approximate(w, ratio)

    left_out = values[max(1, int(ratio * min(shape))) :]
    error = np.square((u * s) @ vt - w).sum()
    assert error == pytest.approx(np.square(left_out).sum(), rel=1e-4, abs=1e-8)
    assert u.dtype == s.dtype == vt.dtype == np.float32
    assert u.base is None


def test_distillation_gradient_in_float64(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    a, ids = 3 * rng.normal(size=(4, 3)), np.array([0, 2, 1, 1])

    def log_softmax(x: np.ndarray) -> np.ndarray:
        return np.asarray(x - np.log(np.exp(x).sum(axis=-1, keepdims=True)))

    def exact(b: np.ndarray) -> np.ndarray:
        p, q = log_softmax(a / 2), log_softmax(b / 2)
        kl = (np.exp(p) * (p - q)).sum(axis=-1).mean()
        return np.asarray(3 * kl - 0.25 * log_softmax(b)[range(4), ids].mean())

    def loss(b: object) -> object:
        teacher, student = (lambda _: tt.Tensor(a)), (lambda _: b)
        return tt.KnowledgeDistillation(teacher, student, 2.0, 0.75)(None, ids)

    gradients(tt, loss, exact, [rng.normal(size=(4, 3))], rng, call="distillation")


def test_distillation_follows_pytorch(tt: ModuleType, rng: np.random.Generator) -> None:
    torch: Any = pytest.importorskip("torch")
    a, b = rng.normal(size=(2, 5, 4)).astype(np.float32)
    ids, functional = rng.integers(0, 4, size=5), torch.nn.functional
    theirs = torch.tensor(b, requires_grad=True)
    p, q = (functional.log_softmax(x / 2, -1) for x in (torch.tensor(a), theirs))
    kl = functional.kl_div(q, p, reduction="batchmean", log_target=True)
    want = 0.75 * 4 * kl + 0.25 * functional.cross_entropy(theirs, torch.tensor(ids))
    want.backward()

    ours = tt.Tensor(b, requires_grad=True)
    teacher, student = (lambda _: tt.Tensor(a)), (lambda _: ours)
    loss = tt.KnowledgeDistillation(teacher, student, 2.0, 0.75)(None, ids)
    loss.backward()

    assert loss.item() == pytest.approx(want.item(), rel=1e-5)
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_a_student_learns_from_its_teacher_alone(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    teacher, student = tt.Linear(4, 3), tt.Linear(4, 3)
    x, nothing = tt.Tensor(rng.normal(size=(64, 4))), np.zeros(64)
    loss_of = tt.KnowledgeDistillation(teacher, student, temperature=2.0, alpha=1.0)
    optimizer = tt.Adam(student.parameters(), lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        loss_of(x, nothing).backward()
        optimizer.step()

    assert (student(x).data.argmax(1) == teacher(x).data.argmax(1)).mean() > 0.95
