"""What is held out: drawn by the round's seed, and never in what the script gets."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest

from grader.errors import SubmissionRejectedError
from grader.models.capstone import Capstone, Data, Metric
from grader.models.course import ProjectLimits
from grader.projects.questions import CONTEXT, Questions, Source, windows
from projects.made import capstone

LIMITS = ProjectLimits()


def own(path: str, data: bytes, metric: str = "accuracy") -> tuple[Capstone, Source]:
    said = Data(
        file=path,
        source="made up",
        licence="CC0",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
    )
    declared = capstone(data=said, metric=Metric(name=metric, claimed=0.5))
    return declared, Source(declared, {path: data}, LIMITS, ())


def table() -> bytes:
    """Return 200 examples whose first column says which one it is."""
    stream = io.BytesIO()
    x = np.arange(200, dtype=np.float32)[:, None]
    np.savez(stream, x=x, y=np.arange(200) % 2)  # type: ignore[arg-type]
    return stream.getvalue()


def seen(asked: Questions) -> list[set[float]]:
    return [set(np.ravel(part).tolist()) for part in (asked.train["x"], asked.test_x)]


def test_held_out_examples_are_no_part_of_what_the_script_gets() -> None:
    _, source = own("entry/a.npz", table())

    asked = source.draw(1)

    train, test = seen(asked)
    validation = set(np.ravel(asked.val_x).tolist())
    assert (len(train), len(validation), len(test)) == (140, 20, 40)
    assert not train & test
    assert not (train | test) & validation
    assert asked.facts.own
    assert (asked.facts.train, asked.facts.held_out) == (140, 40)


def test_the_seed_decides_what_is_held_out() -> None:
    _, source = own("entry/a.npz", table())

    assert seen(source.draw(1)) == seen(source.draw(1))
    assert seen(source.draw(1))[1] != seen(source.draw(2))[1]


def test_answers_belong_to_their_questions() -> None:
    _, source = own("entry/a.npz", table())
    asked = source.draw(3)

    np.testing.assert_array_equal(asked.test_x[:, 0] % 2, asked.test_y)
    np.testing.assert_array_equal(asked.train["x"][:, 0] % 2, asked.train["y"])


def test_no_window_of_a_text_holds_the_answer_to_another() -> None:
    ids = np.arange(40 * (CONTEXT + 1)) % 251  # every place is known by its neighbours

    x, y = windows(ids, 1)

    assert x.shape == (40, CONTEXT)
    places = x[:, 0] * 0 + np.arange(40)
    assert len(places) == 40
    np.testing.assert_array_equal((x[:, -1] + 1) % 251, y)
    asked = {tuple(row) for row in x.tolist()}
    assert len(asked) == 40
    # each character of the text stands once: in one question, or as one answer
    both = np.concatenate([x, y[:, None]], axis=1)
    order = np.sort(both.reshape(-1))
    np.testing.assert_array_equal(order, np.sort(ids))
    assert not np.array_equal(both.reshape(-1), ids)


def test_of_a_text_one_stretch_is_held_out() -> None:
    text = bytes(97 + i * i % 26 for i in range(20_000))
    _, source = own("entry/a.txt", text, "nats per token")

    asked = source.draw(5)

    assert len(asked.train["x"]) == 14_000
    assert asked.train["alphabet"] == "".join(sorted(set(text.decode())))
    assert asked.test_x.shape[1] == asked.train["context"] == CONTEXT
    assert len(asked.test_x) == 4_000 // (CONTEXT + 1)


def test_data_that_are_not_what_is_declared_are_refused() -> None:
    declared, _ = own("entry/a.npz", table())

    with pytest.raises(SubmissionRejectedError, match="not the file") as refused:
        Source(declared, {"entry/a.npz": table() + b"x"}, LIMITS, ())
    assert "sha256" in refused.value.hint


def test_a_data_set_of_the_course_is_renamed_and_moved() -> None:
    source = Source(capstone(), {}, LIMITS, ())

    first, second = source.draw(1), source.draw(2)

    assert not first.facts.own
    assert first.digest == second.digest
    assert not np.array_equal(first.test_y, second.test_y)
    assert len(first.test_x) == first.facts.held_out
