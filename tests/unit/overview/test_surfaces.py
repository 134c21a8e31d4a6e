"""The overview on every surface: complete, escaped, and no wider than its place."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from publish.courses import Course
from reports.samples import HOSTILE, hostile, report

from grader.cli.main import cli
from grader.models.report import GradeReport
from grader.overview import FORMATS, Overview
from grader.overview.sheet import COLUMNS
from grader.overview.words import percent
from grader.reports.display import columns
from grader.roster import Person
from grader.store import Store
from overview.classes import DAY, again, class_of, look

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "overview.md"


@pytest.fixture(scope="module")
def seen() -> Overview:
    made, people = class_of(60)
    return look(made, people)


def weird(text: str) -> Overview:
    """Return a class in which everything that can be chosen is `text`."""
    made = Course()
    for day in range(3):
        graded = hostile(text)
        submission = f"sha256:{day:064d}"
        verdict = dict(graded.verdict) | {"submission": submission}
        verdict["modules"] = tuple(
            type(m)(**dict(m) | {"checks": judged(m.checks)})
            for m in verdict["modules"]
        )
        verdict = type(graded.verdict)(**verdict)
        whole = dict(graded) | {"verdict": verdict, "student": text[:200]}
        made.stored(again(GradeReport(**whole), minutes=day * DAY))
    return look(made, {text[:200]: Person(text[:200], text[:200]), "x": Person("x")})


def judged(checks: tuple) -> tuple:
    return tuple(c for c in checks if c.outcome.kind != "inconclusive")


def rows(seen: Overview) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(FORMATS["csv"](seen))))


@pytest.mark.parametrize("name", HOSTILE)
def test_the_table_is_80_columns_of_harmless_text(name: str) -> None:
    text = FORMATS["table"](weird(HOSTILE[name]))

    assert "stuck: 1 student" in text
    assert max(columns(line) for line in text.splitlines()) <= 80
    assert all(c.isprintable() for c in text.replace("\n", ""))


def test_the_table_of_a_class_fits_and_has_its_parts(seen: Overview) -> None:
    text = FORMATS["table"](seen)

    assert max(map(len, text.splitlines())) <= 80
    for part in ("Autograd", "Perceptron", "the sign of x lost", "stuck:", "absent"):
        assert part in text
    assert re.search(
        r"^students +61: 50 graded, 10 not judged, 1 without", text, re.MULTILINE
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_the_page_escapes_everything_and_runs_nothing(name: str) -> None:
    html = FORMATS["html"](weird(HOSTILE[name]))

    assert "<script" not in html
    assert "<img" not in html
    assert html.count("</style>") == 1
    assert "default-src 'none'; style-src 'sha256-" in unescape(html)
    assert not re.search(r"(?:src|href)=\"(?!#)", html)
    assert "\u202e" not in html
    assert "\x1b" not in html


def test_the_page_is_for_staff_and_has_every_number(seen: Overview) -> None:
    html = FORMATS["html"](seen)

    assert "For staff." in html
    assert 'name="robots" content="noindex"' in html
    table = html.split("<caption>Points of each module")[1].split("</table>")[0]
    found = [
        re.findall(r'<td class="num">([^<]*)</td>', r) for r in table.split("<tr>")
    ]
    numbers = [cells for cells in found if cells]
    for part, cells in zip((seen.total, *seen.modules), numbers, strict=True):
        assert part.spread is not None
        assert float(cells[0]) == part.points
        assert [int(cells[i]) for i in (1, 2, 3)] == [
            *(part.graded, part.not_judged, part.no_result)
        ]
        assert float(cells[7]) == part.spread.median
        assert [int(c) for c in cells[-2:]] == [part.full, part.untouched]
    for one in seen.stuck:
        assert f"{one.who.name} ({one.who.student})" in html


def test_charts_are_told_in_words(seen: Overview) -> None:
    html = FORMATS["html"](seen)

    labels = re.findall(r'role="img" aria-label="([^"]+)"', html)

    assert len(labels) == 1 + len(seen.modules)
    spread = seen.modules[1].spread
    assert spread is not None
    assert labels[2].startswith(f"Tensor: median {spread.median:g} of 10, half of")


def test_csv_has_a_line_of_everything(seen: Overview) -> None:
    found = rows(seen)

    kinds = [row["kind"] for row in found]
    assert list(found[0]) == list(COLUMNS)
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "total": 1,
        "module": len(seen.modules),
        "milestone": len(seen.milestones),
        "check": len(seen.checks),
        "mistake": len(seen.mistakes),
        "stuck": len(seen.stuck),
        "without": 1,
    }
    tensor = next(row for row in found if row["key"] == "tensor")
    part = seen.modules[1]
    assert part.spread is not None
    assert float(tensor["upper_quartile"]) == part.spread.upper
    assert int(tensor["full_marks"]) == part.full
    assert [int(tensor[f"bin_{i}"]) for i in range(1, 11)] == list(part.bins)
    stone = next(row for row in found if row["kind"] == "milestone")
    assert float(stone["metric_median"]) == pytest.approx(seen.milestones[0].metric)
    check = next(row for row in found if row["kind"] == "check")
    assert int(check["wrong"]) == seen.checks[0].wrong
    assert int(check["graded"]) == seen.checks[0].students
    assert int(check["held_checks"]) == seen.checks[0].held.checks


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_is_a_formula_or_breaks_a_line(name: str) -> None:
    text = FORMATS["csv"](weird(HOSTILE[name]))

    for row in csv.reader(io.StringIO(text)):
        assert len(row) == len(COLUMNS)
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "-"))
            assert "\n" not in cell


def test_every_column_is_documented() -> None:
    page = PAGE.read_text(encoding="utf8")

    named = set(re.findall(r"`([a-z_0-9]+)`", page.split("## Columns")[1]))

    assert {re.sub(r"bin_\d+", "bin_1", name) for name in COLUMNS} <= named


@pytest.mark.parametrize("name", HOSTILE)
def test_json_is_ascii_and_gives_the_value_back(name: str) -> None:
    made = weird(HOSTILE[name])

    text = FORMATS["json"](made)

    assert text.isascii()
    assert Overview.model_validate_json(text) == made


@pytest.mark.parametrize(
    ("count", "of", "text"),
    [
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (1, 500, "1 %"),
        (499, 500, "99 %"),
        (0, 0, "0 %"),
    ],
)
def test_none_and_all_are_said_only_where_it_is_so(
    count: int, of: int, text: str
) -> None:
    assert percent(count, of) == text


@pytest.fixture
def store(tmp_path: Path) -> Path:
    opened = Store.open(tmp_path / "store")
    opened.add_report(report("ann"))
    opened.add_report(report("bob", modules=()))
    opened.close()
    return tmp_path / "store"


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, ["overview", *map(str, words)])


def test_the_command_writes_to_standard_output_or_a_file(
    store: Path, tmp_path: Path
) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("student,name\nann,Ann Example\ncy,Cy Example\n", "utf8")
    target = tmp_path / "page.html"

    shown = run("--store", store, "--roster", roster)
    kept = run("--store", store, "--format", "html", "--to", target)
    data = run("--store", store, "--format", "json", "--round", "autumn-1")

    assert (shown.exit_code, kept.exit_code, data.exit_code) == (0, 0, 0)
    assert "Cy Example (cy)" in shown.stdout
    assert kept.stdout == ""
    assert target.read_text("utf8").startswith("<!doctype html>")
    assert json.loads(data.stdout)["round"] == "autumn-1"
    assert "ann: could not be judged" in data.stderr


def test_a_round_that_is_not_there(store: Path) -> None:
    done = run("--store", store, "--round", "nonsense")

    assert done.exit_code == 2
    assert "no result of the round 'nonsense'" in done.stderr


def test_a_store_without_results(tmp_path: Path) -> None:
    done = run("--store", tmp_path / "empty")

    assert done.exit_code == 2
    assert "the store has no result" in done.stderr
