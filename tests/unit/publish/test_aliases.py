from __future__ import annotations

import re
from importlib.resources import files

import pytest

from grader.errors import ConfigError
from grader.publish.aliases import aliases, named_slug

SECRET = b"sixteen bytes or more"
ROSTER = [f"s{number:05d}" for number in range(3000)]


def test_aliases_are_two_words_and_unique() -> None:
    found = aliases(ROSTER, SECRET)

    assert len(set(found.values())) == len(ROSTER)
    assert all(re.fullmatch(r"[a-z]+-[a-z]+", alias) for alias in found.values())


def test_a_roster_this_long_has_met_collisions() -> None:
    """Else the next test would prove nothing."""
    alone = {aliases([student], SECRET)[student] for student in ROSTER}

    assert len(alone) < len(ROSTER)


@pytest.mark.parametrize("count", [0, 1, 163, 1500, len(ROSTER)])
def test_new_students_never_change_an_alias(count: int) -> None:
    everyone = aliases(ROSTER, SECRET)

    some = aliases(ROSTER[:count], SECRET)
    assert some == {student: everyone[student] for student in ROSTER[:count]}


def test_another_secret_gives_other_aliases() -> None:
    one, other = aliases(ROSTER, SECRET), aliases(ROSTER, SECRET + b"!")

    assert sum(one[s] == other[s] for s in ROSTER) < 10


def test_the_page_of_a_named_student_does_not_lead_to_the_alias() -> None:
    slug = named_slug("s00001", SECRET)

    assert re.fullmatch(r"entry-[0-9a-f]{12}", slug)
    assert slug != named_slug("s00002", SECRET)


@pytest.mark.parametrize("secret", [b"", b"short"], ids=["empty", "short"])
def test_a_secret_that_can_be_guessed_is_refused(secret: bytes) -> None:
    with pytest.raises(ConfigError, match="secret") as caught:
        aliases(["s"], secret)
    assert "16" in caught.value.hint


def test_ids_of_any_text_have_an_alias() -> None:
    strange = ["", "\ud800", "a\0b", "名前", "x" * 10**6]

    assert len(set(aliases(strange, SECRET).values())) == len(strange)


def test_the_word_list_is_clean() -> None:
    first, second = (files("grader.publish") / "words.txt").read_text().split("\n\n")
    words = [*first.split(), *second.split()]

    assert len(first.split()) >= 128
    assert len(second.split()) >= 200
    assert len(words) == len(set(words))
    assert all(re.fullmatch(r"[a-z]{2,12}", word) for word in words)
