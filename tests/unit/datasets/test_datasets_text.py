"""Texts as ids of characters: splits, windows, ids exchanged by the round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grader.datasets import DataSet, load, renamed
from grader.datasets.text import ALPHABET, CONTEXT
from grader.errors import ConfigError
from milestones import datasets as students

LINE = "the quick brown fox jumps over the lazy dog; 3 & $!\n"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A data folder with a text of 52,000 characters."""
    folder = tmp_path / "shakespeare"
    folder.mkdir()
    (folder / "tinyshakespeare.txt").write_text(LINE * 1000, encoding="utf8")
    return tmp_path


def text_of(ids: np.ndarray, alphabet: str) -> str:
    return "".join(alphabet[i] for i in ids.ravel())


def test_the_text_is_cut_in_its_order(made: Path) -> None:
    data = load("shakespeare", root=made, seed=4)

    whole = LINE * 1000
    train = int(len(whole) * 0.9)
    assert text_of(data.train_x, ALPHABET) == whole[: train - 1]
    assert text_of(data.train_y, ALPHABET) == whole[1:train]
    val = text_of(data.val_x, ALPHABET)
    assert whole[train:].startswith(val)
    assert data.origin == "other"


def test_a_label_is_the_next_character(made: Path) -> None:
    data = load("shakespeare", root=made, seed=4)

    for x, y in ((data.val_x, data.val_y), (data.test_x, data.test_y)):
        assert x.shape == y.shape == (len(x), CONTEXT)
        assert x.ravel()[1:].tolist() == y.ravel()[:-1].tolist()


def test_the_seed_moves_the_unseen_windows_only(made: Path) -> None:
    one, other = (load("shakespeare", root=made, seed=seed) for seed in (1, 2))

    assert np.array_equal(one.train_x, other.train_x)
    assert np.array_equal(one.val_x, other.val_x)
    assert not np.array_equal(one.test_x[0], other.test_x[0])


@pytest.mark.parametrize("content", ["caf\u00e9\n" * 5000, "snow %\n" * 5000, "short"])
def test_another_text_is_refused(content: str, made: Path) -> None:
    path = made / "shakespeare" / "tinyshakespeare.txt"
    path.write_text(content, encoding="utf8")

    with pytest.raises(ConfigError, match=r"tinyshakespeare\.txt"):
        load("shakespeare", root=made)


def test_a_missing_text_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is in none of") as caught:
        load("shakespeare", root=tmp_path)

    assert str(tmp_path) in str(caught.value)


def test_the_sonnets_are_the_ones_shipped() -> None:
    data = load("sonnets", seed=3)

    assert data.origin == "published"
    assert len(data.test_x) > 50
    # 120 poems to train, 20 unseen, none in both
    train = text_of(data.train_x, data.alphabet).split("\n\n")
    unseen = text_of(data.test_x, data.alphabet).split("\n\n")
    assert len([poem for poem in train if poem.strip()]) == 120
    assert not {poem.strip() for poem in train} & {poem.strip() for poem in unseen[1:]}


def test_other_sonnets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sonnets").mkdir()
    (tmp_path / "sonnets" / "sonnets.txt.gz").write_bytes(b"no gzip")

    with pytest.raises(ConfigError, match="cannot be unpacked"):
        load("sonnets", root=tmp_path)


@pytest.fixture(scope="module")
def sonnets() -> DataSet:
    return load("sonnets", seed=3)


def test_exchanged_ids_spell_the_same_text(sonnets: DataSet) -> None:
    other = renamed(sonnets, 5)

    for part in ("train_x", "train_y", "val_x", "val_y", "test_x", "test_y"):
        before, after = getattr(sonnets, part), getattr(other, part)
        assert not np.any(before == after)
        assert text_of(before, sonnets.alphabet) == text_of(after, other.alphabet)
        assert before.dtype == after.dtype


def test_students_and_grader_spell_alike() -> None:
    assert students.ALPHABET == ALPHABET
