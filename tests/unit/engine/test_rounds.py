from __future__ import annotations

from pathlib import Path

import pytest

from grader.checks.runner import seed_of
from grader.errors import ConfigError
from grader.rounds import course_secret, demo_round, load_round, new_round


def test_a_round_keeps_its_secret_for_its_owner_alone(tmp_path: Path) -> None:
    made = new_round(tmp_path, "week-1", "feedback")

    assert load_round(tmp_path, "week-1") == made
    assert (tmp_path / "rounds" / "week-1.json").stat().st_mode & 0o077 == 0
    assert len(made.secret) == 32


def test_a_round_is_never_made_twice(tmp_path: Path) -> None:
    first = new_round(tmp_path, "final", "final")

    with pytest.raises(ConfigError, match="exists"):
        new_round(tmp_path, "final", "final")
    assert load_round(tmp_path, "final") == first


@pytest.mark.parametrize("name", ["", "../up", "A", "a/b", "x" * 65, "a\n"])
def test_a_round_needs_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        new_round(tmp_path, name, "feedback")
    assert not (tmp_path / "rounds").exists()


def test_the_only_round_needs_no_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no round yet") as caught:
        load_round(tmp_path, "")
    assert "grader round new" in caught.value.hint
    new_round(tmp_path, "one", "feedback")

    assert load_round(tmp_path, "").name == "one"
    new_round(tmp_path, "two", "feedback")
    with pytest.raises(ConfigError, match="which round"):
        load_round(tmp_path, "")


def test_a_damaged_round_is_refused(tmp_path: Path) -> None:
    new_round(tmp_path, "one", "feedback")
    (tmp_path / "rounds" / "one.json").write_text("{}")

    with pytest.raises(ConfigError, match="cannot be read"):
        load_round(tmp_path, "one")


def test_the_course_secret_is_made_once(tmp_path: Path) -> None:
    assert course_secret(tmp_path) == course_secret(tmp_path)
    assert (tmp_path / "course.secret").stat().st_mode & 0o077 == 0


def test_seeds_differ_by_round_and_by_check() -> None:
    secret = demo_round().secret

    assert seed_of(secret, "tensor::a") == seed_of(secret, "tensor::a")
    assert seed_of(secret, "tensor::a") != seed_of(secret, "tensor::b")
    assert seed_of(secret, "tensor::a") != seed_of(b"another", "tensor::a")
