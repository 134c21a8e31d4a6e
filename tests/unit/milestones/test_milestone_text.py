"""Texts for the language task: data, metric, and a small model run alone."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from milestones import datasets, tasks
from milestones.datasets import ALPHABET, DataMissingError

ROOT = Path(__file__).parents[3]
TOY = Path(__file__).with_name("toy_language_script.py")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOY, *arguments],
        env={
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "reference"))),
            "OPENBLAS_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@cache
def measured() -> dict[str, Any]:
    done = run("--json", "--seed", "2")
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def test_alphabet_is_sorted_and_without_repeats() -> None:
    assert list(ALPHABET) == sorted(set(ALPHABET))
    assert len(ALPHABET) == 67


def test_encoding_and_decoding_undo_each_other() -> None:
    ids = datasets.encode(ALPHABET)

    assert ids.dtype == np.uint8
    assert ids.tolist() == list(range(67))
    assert datasets.decode(ids.reshape(1, 67)) == ALPHABET


def test_character_outside_of_the_alphabet_is_named() -> None:
    with pytest.raises(ValueError, match=r"'7' is not in the alphabet"):
        datasets.encode("act 7")


def test_sonnets_are_split_by_whole_poems() -> None:
    splits = datasets.sonnets(0, window=50)

    poems = [datasets.decode(splits.train["x"])]
    poems += [datasets.decode(p["x"]) for p in (splits.validation, splits.test)]
    assert poems[0].count("\n\n") == 119  # the last is cut by one
    beginnings = [set(poem.split("\n\n")[1:-1]) for poem in poems]
    assert not beginnings[0] & beginnings[1]
    assert not beginnings[0] & beginnings[2]
    assert not beginnings[1] & beginnings[2]


def test_seed_decides_which_sonnets_are_unseen() -> None:
    one, other = (datasets.sonnets(seed).test["x"][0] for seed in (0, 1))

    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(one, datasets.sonnets(0).test["x"][0])


def test_answers_are_the_next_characters() -> None:
    splits = datasets.sonnets(3, window=40)

    np.testing.assert_array_equal(splits.train["x"][1:], splits.train["y"][:-1])
    for part in (splits.validation, splits.test):
        assert part["x"].shape == part["y"].shape
        assert part["x"].shape[1] == 40
        np.testing.assert_array_equal(part["x"].ravel()[1:], part["y"].ravel()[:-1])


@pytest.mark.parametrize("name", ["tinyshakespeare.txt", "input.txt"])
def test_shakespeare_is_split_in_the_order_of_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text = "".join(ALPHABET[i % 67] for i in range(2000))
    (tmp_path / "shakespeare").mkdir()
    (tmp_path / "shakespeare" / name).write_text(text)
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path))

    splits = datasets.shakespeare(0, window=9)

    assert datasets.decode(splits.train["x"]) == text[:1799]
    assert datasets.decode(splits.validation["x"]) == text[1800:1899]
    assert datasets.decode(splits.test["x"]) == text[1900:1999]


def test_text_that_is_not_there_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path))

    with pytest.raises(DataMissingError, match="TINYTORCH_DATA") as caught:
        datasets.shakespeare(0)

    assert str(tmp_path / "shakespeare" / "tinyshakespeare.txt") in str(caught.value)


def test_text_of_other_characters_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shakespeare").mkdir()
    (tmp_path / "shakespeare" / "input.txt").write_text("être")
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path))

    with pytest.raises(DataMissingError, match="not the text that it should be"):
        datasets.shakespeare(0)


def test_blind_guessing_costs_the_logarithm_of_the_alphabet() -> None:
    ids = np.zeros((3, 5), np.int64)

    nats = tasks.nats_per_character(np.zeros((3, 5, 67), np.float32), ids)

    assert nats == pytest.approx(math.log(67))


def test_nats_are_those_of_the_formula_over_all_windows() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3, size=(130, 4, 7)).astype(np.float32)
    ids = rng.integers(0, 7, size=(130, 4)).astype(np.uint8)

    exact = 0.0
    for row, i in zip(
        logits.reshape(-1, 7).astype(np.float64), ids.ravel(), strict=True
    ):
        exact -= math.log(math.exp(row[i]) / np.exp(row).sum())

    assert tasks.nats_per_character(logits, ids) == pytest.approx(exact / 520)


def test_nats_stay_finite_for_large_logits() -> None:
    logits = np.array([[[1e4, 0.0]]], np.float32)

    assert tasks.nats_per_character(logits, np.array([[0]])) == pytest.approx(0)
    assert tasks.nats_per_character(logits, np.array([[1]])) == pytest.approx(1e4)


def test_language_model_is_judged_by_nats_and_fewer_are_better() -> None:
    facts = measured()

    assert facts["metric_name"] == "nats_per_character"
    assert facts["nats_per_character"] <= facts["target"]
    assert facts["target_is"] == "at most"
    assert facts["curve"][-1] < facts["curve"][0] < math.log(67)
    assert facts["reached"]


def test_too_many_nats_miss_the_target() -> None:
    done = run("--epochs", "1", "--out-of-reach")

    assert done.returncode == 1
    assert "target at most 0.5  missed" in done.stdout


def test_report_counts_what_a_transformer_computes() -> None:
    rows = {row["layer"]: row for row in measured()["systems"]["architecture"]}

    window, width = 32, 16
    projections = 4 * 2 * width * width * window
    assert rows["attention0"]["flops"] == projections + 4 * window**2 * width
    assert rows["attention0"]["parameters"] == 4 * (width * width + width)
    assert rows["head"]["flops"] == 2 * width * 67 * window
    assert rows["head"]["shape"] == [8, 32, 67]
    assert rows["tokens"]["flops"] == 0
    assert rows["places"]["flops"] == rows["gelu"]["flops"] == window * width


def test_report_doubles_whatever_build_takes() -> None:
    sizes = {s["case"]: s for s in measured()["systems"]["growth"]}

    assert list(sizes) == ["as it is", "width x2", "depth x2", "context x2", "batch x2"]
    longer = sizes["context x2"]["parameters"] - sizes["as it is"]["parameters"]
    assert longer == 32 * 16
    assert sizes["context x2"]["peak_bytes"] > 1.5 * sizes["as it is"]["peak_bytes"]


def test_work_of_training_is_counted_in_the_steps_of_its_slices() -> None:
    systems = measured()["systems"]

    assert systems["train_flops"] == 3 * systems["flops_per_sample"] * 8 * 15 * 3
    assert systems["characters_per_window"] == 32


def test_what_a_script_shows_afterwards_is_printed_and_kept() -> None:
    facts = measured()

    assert facts["said"] == ["more about Shakespeare's sonnets, characters"]
    assert facts["after"] == {"seed_seen": 2, "reached": True}


def test_what_a_script_shows_afterwards_can_miss_the_target() -> None:
    done = run("--json", "--epochs", "2", "--not-enough")

    facts = json.loads(done.stdout)
    assert done.returncode == 1
    assert facts["judged_reached"]
    assert not facts["reached"]
