"""The page and the command: escaped, complete, and no verdict."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from grader.cli.main import cli
from similarity.classes import chance, own_code, write

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    code = own_code(chance(1), 4)
    text = code.replace('"""Do it."""', f'note = "{HOSTILE}\u202e"')
    target = tmp_path / "class"
    write(target / "=ann" / "tinytorch", {"losses.py": text})
    write(target / "<b>bob" / "tinytorch", {"losses.py": text})
    return target


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, ["compare", *map(str, words)])


def test_the_table_names_pairs_and_claims_nothing(folder: Path) -> None:
    done = run(folder)

    assert done.exit_code == 0, done.output
    assert "losses.py" in done.stdout
    assert "100 %" in done.stdout
    assert "not a verdict" in done.stderr


def test_data_formats(folder: Path) -> None:
    (row,) = csv.DictReader(io.StringIO(run(folder, "--format", "csv").stdout))
    report = json.loads(run(folder, "--format", "json").stdout)

    assert row["student_b"] == "'=ann"  # no formula in a spreadsheet
    assert row["file_a"] == "tinytorch/losses.py"
    assert float(row["a_in_b"]) == 1.0
    file = report["pairs"][0]["files"][0]
    assert file["longest_run"] == file["passages"][0]["tokens"]
    assert int(row["shared"]) == file["shared"]


def test_the_page_is_escaped_and_runs_nothing(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "similar.html"

    assert run(folder, "--html", page).exit_code == 0

    html = page.read_text("utf8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<b>bob" not in html
    assert "\u202e" not in html
    assert "default-src &#39;none&#39;" in html
    assert "not a verdict" in html
    assert html.count('class="sides"') >= 1


def test_nothing_found_is_said(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "similar.html"

    done = run(folder / "=ann", "--html", page)

    assert done.exit_code == 0
    assert "no two share" in done.stdout
    assert "No two submissions" in page.read_text("utf8")


def test_given_code_does_not_count(folder: Path) -> None:
    done = run(folder, "--given", folder / "=ann")

    assert "no two share" in done.stdout


def test_a_source_that_is_missing_is_a_usage_error(tmp_path: Path) -> None:
    done = run(tmp_path / "none")

    assert done.exit_code == 3
