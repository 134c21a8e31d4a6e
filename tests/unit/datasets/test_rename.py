"""Class ids exchanged by the round's seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grader import datasets

DATA = Path(__file__).resolve().parents[3] / "milestones" / "data"


def test_every_class_gets_another_id_consistently() -> None:
    data = datasets.load("digits", root=DATA, seed=1)

    for seed in range(20):
        new = datasets.renamed(data, seed)
        pairs = set(zip(data.train_y.tolist(), new.train_y.tolist(), strict=True))
        pairs |= set(zip(data.val_y.tolist(), new.val_y.tolist(), strict=True))
        pairs |= set(zip(data.test_y.tolist(), new.test_y.tolist(), strict=True))

        assert len(pairs) == data.classes  # one new id for each old one, in all parts
        assert {a for _, a in pairs} == set(range(data.classes))
        assert all(old != a for old, a in pairs)
        assert new.train_y.dtype == np.int64


def test_the_seed_decides() -> None:
    data = datasets.load("digits", root=DATA, seed=1)

    first, again = datasets.renamed(data, 3), datasets.renamed(data, 3)
    others = [datasets.renamed(data, s).test_y for s in range(4, 10)]

    assert np.array_equal(first.test_y, again.test_y)
    assert any(not np.array_equal(first.test_y, other) for other in others)


def test_two_classes_keep_their_ids() -> None:
    data = datasets.load("xor", seed=1)

    assert datasets.renamed(data, 5) is data
