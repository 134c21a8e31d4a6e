"""A session is strict, whole, bounded and named by its content."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from compete.made import launches, memory_session, named, pair, session
from grader.compete.documents import MAX_SESSION_BYTES, digest, from_bytes, to_bytes
from grader.errors import StoreError
from grader.models.measure import Sample
from grader.models.outcome import Crashed, Inconclusive, Raised
from grader.models.session import (
    MAX_CURVE,
    MAX_LAUNCHES,
    MAX_PAIRS,
    Launch,
    Session,
    SessionPlan,
    Void,
)


def changed(made: Session, **fields: Any) -> Session:
    """Return the session with other fields, validated."""
    raw = json.loads(made.model_dump_json()) | fields
    return Session.model_validate_json(json.dumps(raw))


def test_a_session_survives_its_document() -> None:
    made = session(launches=launches(np.linspace(0.1, 0.2, 6).reshape(2, 3)))

    data = to_bytes(made)

    assert from_bytes(data) == made
    assert to_bytes(from_bytes(data)) == data
    assert digest(data) == digest(to_bytes(made))


def test_one_sample_more_or_less_is_another_digest() -> None:
    one = session(launches=launches([[0.1, 0.1], [0.1, 0.1]]))
    other = session(launches=launches([[0.1, 0.1], [0.1, 0.1000001]]))

    assert digest(to_bytes(one)) != digest(to_bytes(other))


@pytest.mark.parametrize("indent", [1, None], ids=["indented", "with spaces"])
def test_a_document_in_another_form_is_refused(indent: int | None) -> None:
    raw = json.loads(to_bytes(session()))

    with pytest.raises(StoreError, match="canonical"):
        from_bytes(json.dumps(raw, indent=indent).encode())


def test_a_repeated_key_does_not_pass() -> None:
    data = to_bytes(session())
    twice = data.replace(b'"event":', b'"event":"memory","event":', 1)

    with pytest.raises(StoreError, match="canonical"):
        from_bytes(twice)


def test_the_largest_session_fits_and_a_larger_document_does_not() -> None:
    seconds = np.full((MAX_LAUNCHES, MAX_PAIRS), 1234.5678901234567)
    sample = Sample(wall_s=123.4567890123, cpu_s=123.4567890123, rss_bytes=2**34)
    curve = (sample,) * MAX_CURVE
    timed = launches(seconds, seconds, seconds)
    largest = to_bytes(session(launches=timed, curve=curve))

    assert 2 * len(largest) < MAX_SESSION_BYTES
    with pytest.raises(StoreError, match="exceeds"):
        from_bytes(largest + b" " * MAX_SESSION_BYTES)


def test_a_student_s_long_text_cannot_make_a_large_document() -> None:
    flood = Raised(error="ValueError", message="x" * (MAX_SESSION_BYTES + 1))

    with pytest.raises(StoreError, match="exceeds"):
        to_bytes(session(outcome=flood))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"surprise": 1}, "surprise"),
        ({"event": "all-round"}, "event"),
        ({"division": "half-open"}, "division"),
        ({"workload": "../cnn"}, "workload"),
        ({"attempt": 5}, "attempt"),
        ({"started_at": "2026-03-01T12:00:00"}, "started_at"),
        ({"voids": [{"reason": "I was slow", "detail": ""}]}, "voids"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_is_not_known_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        changed(session(), **fields)


@pytest.mark.parametrize("cpu_s", [0, -0.1, 3601, "0.1", None])
def test_a_time_is_a_positive_number_of_seconds(cpu_s: object) -> None:
    raw = json.loads(to_bytes(session()))
    raw["launches"][0]["pairs"][0]["student"]["cpu_s"] = cpu_s

    with pytest.raises(StoreError, match="cpu_s"):
        from_bytes(json.dumps(raw, separators=(",", ":")).encode())


def test_not_a_number_is_no_time() -> None:
    data = to_bytes(session()).replace(b'"cpu_s":0.1', b'"cpu_s":NaN', 1)

    with pytest.raises(StoreError, match="not a session"):
        from_bytes(data)


def test_more_outputs_cannot_differ_than_were_checked() -> None:
    with pytest.raises(ValidationError, match="more outputs"):
        pair(checked=3, mismatched=4)


def test_a_session_that_counts_is_whole() -> None:
    short = (*launches([[0.1, 0.1]]), Launch(pairs=(pair(),)))
    plan = SessionPlan(launches=2, pairs=2, batch_size=1, seed=0)

    with pytest.raises(ValidationError, match="all its pairs"):
        session(launches=short, plan=plan)
    with pytest.raises(ValidationError, match="all its runs"):
        memory_session((100, 100, 30), plan=plan)


def test_a_session_that_does_not_count_may_be_cut_short() -> None:
    short = (*launches([[0.1, 0.1]]), Launch(pairs=(pair(),)))
    plan = SessionPlan(launches=2, pairs=2, batch_size=1, seed=0)

    void = session(launches=short, plan=plan, voids=(Void(reason="interrupted"),))
    dead = session(launches=short, plan=plan, outcome=Crashed(how="signal 11"))

    assert not void.counts
    assert not dead.counts


def test_nothing_is_measured_beyond_the_plan() -> None:
    """Whoever may add samples until they look good needs no fast code."""
    plan = SessionPlan(launches=2, pairs=2, memory_runs=1, batch_size=1, seed=0)

    for more in (launches(np.ones((3, 2))), launches(np.ones((2, 3)))):
        with pytest.raises(ValidationError, match="more samples than planned"):
            session(launches=more, plan=plan)
    with pytest.raises(ValidationError, match="more memory runs"):
        memory_session((100, 100, 30), (100, 100, 30), plan=plan)


def test_inconclusive_does_not_count() -> None:
    assert not session(outcome=Inconclusive(reason="the host went away")).counts


def test_digests_are_digests() -> None:
    raw = json.loads(to_bytes(session()))
    raw["digests"]["submission"] = named("a")[:-1]

    with pytest.raises(StoreError, match="submission"):
        from_bytes(json.dumps(raw, separators=(",", ":")).encode())
