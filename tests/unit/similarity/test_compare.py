"""Whole submissions: copies are found, everybody's code and strangers' are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from grader.pipeline import reference_files
from grader.similarity import Comparison, Settings, Whose, compare
from similarity.classes import (
    PUBLIC,
    REFERENCE,
    TEMPLATE,
    chance,
    disguised,
    own_code,
    texts,
    write,
)
from similarity.solutions import second_solution

Give = Callable[[str, dict[str, str]], None]
GIVEN = reference_files(TEMPLATE)


@pytest.fixture
def give(tmp_path: Path) -> Give:
    return lambda student, sources: write(tmp_path / student / "tinytorch", sources)


def compared(folder: Path, settings: Settings | None = None) -> Comparison:
    whose = [Whose(path.name, str(path)) for path in sorted(folder.iterdir())]
    return compare(whose, settings or Settings(given=GIVEN)).report


def disguised_reference() -> dict[str, str]:
    rng = chance(7)
    return {name: disguised(text, rng) for name, text in texts(REFERENCE).items()}


def test_a_disguised_copy_is_found_in_every_file_of_size(
    tmp_path: Path, give: Give
) -> None:
    give("ann", texts(REFERENCE))
    give("bob", disguised_reference())

    (pair,) = compared(tmp_path).pairs

    shares = {f.file_a: min(f.a_in_b, f.b_in_a) for f in pair.files}
    assert (pair.a, pair.b) == ("ann", "bob")
    for name in ("losses", "tensor", "optimizers", "spatial", "attention"):
        assert shares[f"tinytorch/{name}.py"] > 0.5
    assert all(f.file_a == f.file_b for f in pair.files)
    assert max(f.longest_run for f in pair.files) > 100


def test_two_independent_implementations_are_not(tmp_path: Path, give: Give) -> None:
    give("ann", texts(REFERENCE))
    give("bob", texts(PUBLIC))

    assert not compared(tmp_path, Settings(given=GIVEN, least=0.05)).pairs


def test_two_solutions_of_the_same_tasks_are_not(tmp_path: Path, give: Give) -> None:
    give("ann", texts(REFERENCE))
    give("bob", second_solution())

    assert not compared(tmp_path).pairs


def test_a_copy_of_short_tasks_is_found(tmp_path: Path, give: Give) -> None:
    rng = chance(8)
    give("ann", second_solution())
    give("bob", {n: disguised(t, rng) for n, t in second_solution().items()})

    (pair,) = compared(tmp_path).pairs

    assert len(pair.files) == 2
    assert all(min(f.a_in_b, f.b_in_a) > 0.9 for f in pair.files)


@pytest.mark.parametrize("change", [("-", "+"), ("axis=dim", "axis=0"), ("shape", "x")])
def test_a_copy_with_one_mistake_is_found(
    tmp_path: Path, give: Give, change: tuple[str, str]
) -> None:
    name = "losses.py"
    whole = texts(REFERENCE)[name]
    head, code = whole.split("class CrossEntropyLoss", 1)
    give("ann", {name: whole})
    give("bob", {name: head + "class CrossEntropyLoss" + code.replace(*change, 1)})

    (pair,) = compared(tmp_path).pairs

    assert min(pair.files[0].a_in_b, pair.files[0].b_in_a) > 0.8


def test_the_template_against_itself_gives_nothing(tmp_path: Path, give: Give) -> None:
    give("ann", texts(TEMPLATE))
    give("bob", texts(TEMPLATE))
    give("cem", texts(REFERENCE))

    report = compared(tmp_path, Settings(given=GIVEN, least=0.0))

    assert report.students == 3
    assert not report.pairs


def test_one_function_moved_to_another_file_is_found(
    tmp_path: Path, give: Give
) -> None:
    rng = chance(1)
    taken = own_code(rng, 1)
    give("ann", {"losses.py": taken + "\n" + own_code(rng, 3)})
    give("bob", {"helpers.py": own_code(rng, 3) + "\n" + taken, "losses.py": ""})

    (pair,) = compared(tmp_path, Settings(least=0.1)).pairs

    (file,) = pair.files
    assert (file.file_a, file.file_b) == ("tinytorch/losses.py", "tinytorch/helpers.py")


def test_what_most_of_the_class_has_does_not_count(tmp_path: Path, give: Give) -> None:
    rng = chance(2)
    lecture, copied = own_code(rng, 4), own_code(rng, 2)
    for number in range(12):
        own = copied if number in (3, 8) else own_code(rng, 2)
        give(f"s{number:02d}", {"losses.py": lecture + "\n" + own})

    report = compared(tmp_path)

    assert [(p.a, p.b) for p in report.pairs] == [("s03", "s08")]
    assert report.common_from == 7
    assert report.pairs[0].files[0].a_in_b > 0.8


def test_in_a_small_class_copies_are_not_taken_for_common(
    tmp_path: Path, give: Give
) -> None:
    copied = own_code(chance(3), 4)
    for student in ("ann", "bob", "cem"):
        give(student, {"losses.py": copied})

    report = compared(tmp_path)

    assert report.found == 3
    assert {f.a_in_b for p in report.pairs for f in p.files} == {1.0}


def test_only_the_top_pairs_are_described_and_all_counted(
    tmp_path: Path, give: Give
) -> None:
    rng = chance(4)
    long, short = own_code(rng, 6), own_code(rng, 2)
    for student, text in {"a": long, "b": short, "c": short, "d": long}.items():
        give(student, {"losses.py": text})

    report = compared(tmp_path, Settings(top=1))

    assert [(p.a, p.b) for p in report.pairs] == [("a", "d")]
    assert report.found == 2


def test_odd_files_are_compared_and_noted(tmp_path: Path, give: Give) -> None:
    copied = own_code(chance(5), 4)
    give("ann", {"losses.py": copied + '\nx = """never ends'})
    give("bob", {"losses.py": copied})
    (tmp_path / "bob/tinytorch/notes.py").write_bytes(b"x = '\xff'\0" + b"(" * 100_000)
    (tmp_path / "cem").mkdir()

    report = compared(tmp_path)

    assert [(p.a, p.b) for p in report.pairs] == [("ann", "bob")]
    assert {(n.student, n.path): n.text for n in report.notes} == {
        ("ann", "tinytorch/losses.py"): "a string never ends: compared by words",
        ("bob", "tinytorch/notes.py"): "not UTF-8",
        ("cem", ""): "not compared: the submission has no folder tinytorch/",
    }


def test_half_the_template_renamed_still_does_not_count(
    tmp_path: Path, give: Give
) -> None:
    template = {n: t.replace("self", "me") for n, t in texts(TEMPLATE).items()}
    give("ann", template)
    give("bob", template)

    assert not compared(tmp_path).pairs


def test_nothing_to_compare(tmp_path: Path) -> None:
    report = compared(tmp_path)

    assert (report.students, report.files, report.pairs) == (0, 0, ())
