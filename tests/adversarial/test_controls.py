"""The arena itself: without a wall the spies find what they look for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from arena import CASES, Arena, Canaries, arena, fight, load_case

pytestmark = pytest.mark.adversarial


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with arena(tmp_path_factory.mktemp("course")) as made:
        yield made


def test_the_untouched_bases_earn_all_and_nothing(place: Arena, tmp_path: Path) -> None:
    case = replace(load_case(CASES / "empty_package"), modules=("setup",))
    nothing = replace(case, name="missing")
    earned = {}
    for base in ("reference", "template"):
        folder = tmp_path / base
        folder.mkdir()
        earned[base] = fight(replace(nothing, base=base), place, folder)

    kinds = {b: {c.outcome.kind for c in e.checks} for b, e in earned.items()}

    assert kinds == {"reference": {"passed"}, "template": {"not_implemented"}}


@pytest.mark.parametrize(
    "name",
    [
        "spy_files",
        pytest.param(
            "spy_proc",
            marks=pytest.mark.skipif(
                os.geteuid() != 0, reason="only root may read other processes"
            ),
        ),
    ],
)
def test_without_a_wall_the_spy_succeeds(
    name: str, place: Arena, tmp_path: Path
) -> None:
    battle = fight(load_case(CASES / name), place, tmp_path, sandbox="none")

    assert "FOUND" in battle.output


def test_canaries_are_found_in_disguise() -> None:
    canaries = Canaries()
    secret = canaries.plant("here")
    canaries.plant("there")

    for form in (secret, secret[::-1], secret.encode().hex()):
        assert canaries.found_in(f"some {form} text") == ["here"]
    assert canaries.found_in("some text") == []
