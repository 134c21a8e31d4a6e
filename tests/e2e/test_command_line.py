"""What each option does, what each exit code means, and where output goes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from grader_command import REFERENCE, ROOT, TEMPLATE, Done, Grader, modules

import grader as package
from grader.reports import to_table

STUDENT = "lovelace@example.edu"  # no hexadecimal digest can look like it
SETUP = modules("setup")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)


@pytest.fixture(scope="module")
def table(
    grader: Grader, mistaken: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Done, Path]:
    """A grading of wrong code as a person asks for it."""
    page = tmp_path_factory.mktemp("page") / "report.html"
    wanted = modules("setup", "losses")
    done = grader("grade", mistaken, "--round", "one", "--html", page, *wanted)
    return done, page


def test_the_table_fits_a_terminal_and_says_what_to_do(
    table: tuple[Done, Path],
) -> None:
    done, _ = table

    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    for word in ("expected", "got", "this is   the sum over samples", "hint"):
        assert word in done.out
    assert done.out.rstrip().splitlines()[-1].startswith("total")


def test_html_writes_one_page(table: tuple[Done, Path]) -> None:
    done, page = table

    text = page.read_text(encoding="utf8")
    tags = Tags()
    tags.feed(text)
    assert {"html", "head", "title", "body", "table"} <= tags.seen
    assert "the sum over samples" in text
    assert f"wrote {page}" in done.err
    assert list(page.parent.iterdir()) == [page]


def test_html_into_a_folder_that_does_not_exist(grader: Grader, tmp_path: Path) -> None:
    page = tmp_path / "no" / "such" / "folder.html"

    done = grader.here("grade", TEMPLATE, "--round", "one", *SETUP, "--html", page)

    assert done.code == 3
    assert "name a folder that exists" in done.err


def test_fail_under_decides_the_exit_code_alone(grader: Grader) -> None:
    below = grader.grade(TEMPLATE, *SETUP, "--fail-under", "0.5")
    reached = grader.grade(REFERENCE, *SETUP, "--fail-under", "100")

    assert (below.code, reached.code) == (1, 0)
    assert below.report.verdict.earned == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--module", "nonsense"], 3, "there is no module 'nonsense'"),
        (["--milestone", "nonsense"], 3, "there is no milestone 'nonsense'"),
        (["--round", "nonsense"], 3, "there is no round 'nonsense'"),
        (["--nonsense"], 2, "No such option"),
        (["--sandbox", "nonsense"], 2, "Invalid value for '--sandbox'"),
        (["--fail-under", "all"], 2, "Invalid value for '--fail-under'"),
    ],
)
def test_wrong_options_are_refused(
    arguments: list[str], code: int, told: str, grader: Grader
) -> None:
    done = grader.here("grade", TEMPLATE, "--round", "one", *arguments)

    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert "Traceback" not in done.err


def test_an_unknown_command_is_a_wrong_use(grader: Grader) -> None:
    assert grader.here("grad").code == 2


def test_no_arguments_show_the_help(grader: Grader) -> None:
    done = grader.here()

    assert done.code in {0, 2}
    assert "Commands:" in done.out + done.err


def test_the_version_is_told(grader: Grader) -> None:
    done = grader("--version")

    assert (done.code, done.err) == (0, "")
    assert package.__version__ in done.out


def test_without_a_round_the_next_step_is_told(tmp_path: Path) -> None:
    fresh = Grader(tmp_path)

    done = fresh.here("grade", TEMPLATE)

    assert done.code == 3
    assert "there is no round yet" in done.err
    assert "hint: grader round new week-1" in done.err


def test_two_rounds_and_no_name_is_a_question(grader: Grader) -> None:
    done = grader.here("grade", TEMPLATE)

    assert done.code == 3
    assert "which round?" in done.err
    assert "--round one|two" in done.err


def test_a_new_round_says_where_its_secret_is(tmp_path: Path) -> None:
    done = Grader(tmp_path / "elsewhere").here("round", "new", "first")

    assert done.code == 0
    assert f"its secret stays in {tmp_path / 'elsewhere' / 'rounds'}\n" in done.err


def test_a_round_is_never_replaced(grader: Grader) -> None:
    secret = grader.state / "rounds" / "one.json"
    before = secret.read_bytes()

    done = grader.here("round", "new", "one")

    assert done.code == 3
    assert secret.read_bytes() == before
    assert secret.stat().st_mode & 0o777 == 0o600


def test_no_wall_only_when_asked_for_and_it_is_told(grader: Grader) -> None:
    bare = grader.grade(REFERENCE, *SETUP, "--sandbox", "none")
    walled = grader.grade(REFERENCE, *SETUP)

    assert bare.code == 0, bare.err
    assert bare.report.measurements.isolation.tier == "none"
    assert "none (the code was trusted)" in to_table(bare.report)
    assert bare.verdict == walled.verdict


def test_a_wall_that_cannot_be_built_is_no_reason_to_go_without() -> None:
    """No bubblewrap, and secrets that other users could read: nothing can start."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        state = Path(name) / "state"
        state.mkdir(mode=0o755)
        open_to_all = Grader(state)
        assert open_to_all.here("round", "new", "one").code == 0

        done = open_to_all("grade", TEMPLATE, "--round", "one", PATH=name)

    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("error[sandbox]: no sandbox can start here")
    assert "`grader doctor` says what is missing" in done.err


def test_doctor_names_every_tier_and_what_would_be_used(grader: Grader) -> None:
    done = grader.here("doctor")

    names = [line.split(" ", 1)[0] for line in done.out.splitlines() if line[0] != " "]
    assert done.code == 0, done.err
    assert names == ["docker", "uid", "namespaces", "auto"]


def test_schema_prints_what_the_documentation_has(grader: Grader) -> None:
    page = ROOT / "docs" / "reference" / "report-schema.json"

    assert json.loads(grader.here("schema").out) == json.loads(page.read_text("utf8"))


@pytest.fixture
def school(tmp_path: Path) -> Grader:
    """A course of its own, with one saved result."""
    school = Grader(tmp_path / "state")
    assert school.here("round", "new", "one").code == 0
    saved = school.grade(REFERENCE, *SETUP, "--save", "--student", STUDENT)
    assert saved.code == 0, saved.err
    return school


def published(school: Grader, site: Path) -> bytes:
    done = school.here("publish", "--to", site, "--minimum-group", "1")
    assert done.code == 0, done.err
    assert Path(done.out.strip()) == site / "index.html"
    return b"\n".join(p.read_bytes() for p in site.rglob("*") if p.is_file())


def test_a_saved_result_is_published_under_an_alias(
    school: Grader, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    hidden = published(school, site)
    before = json.loads((site / "data/v1/leaderboard.json").read_bytes())

    assert school.here("visibility", STUDENT, "alias", "--by", "A. Teacher").code == 0
    shown = published(school, site)

    board = json.loads((site / "data/v1/leaderboard.json").read_bytes())["boards"][0]
    (entry,) = board["entries"]
    assert before["boards"][0]["entries"] == []
    assert entry["total"] == 10
    assert entry["name"].encode() in (site / "index.html").read_bytes()
    for text in (hidden, shown):
        assert STUDENT.encode() not in text
        assert b"lovelace" not in text.lower()


def test_a_course_that_is_small_publishes_nobody(
    school: Grader, tmp_path: Path
) -> None:
    assert school.here("visibility", STUDENT, "alias", "--by", "A. Teacher").code == 0

    done = school.here("publish", "--to", tmp_path / "site")

    data = (tmp_path / "site/data/v1/leaderboard.json").read_bytes()
    assert done.code == 0
    assert json.loads(data)["boards"][0]["entries"] == []


def test_a_store_that_is_no_store(grader: Grader, tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"not a database, however long it is" * 99)

    done = grader.here("publish", "--to", tmp_path / "site", "--store", tmp_path)

    assert done.code == 6
    assert done.err.startswith("error[store]: ")


@pytest.mark.slow
def test_the_demo_grades_three_packages_and_publishes(tmp_path: Path) -> None:
    """In a copy: the demo writes beside itself."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in (
        *("grader", "reference", "student_template", "milestones", "leaderboard"),
    ):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "course.toml", tmp_path)

    done = subprocess.run(
        [sys.executable, "-m", "grader.cli.demo"],
        cwd=tmp_path,
        env=os.environ | {"GRADER_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    pages = sorted(p.name for p in (tmp_path / "site" / "demo-reports").iterdir())
    assert pages == ["mistakes.html", "reference.html", "template.html"]
    totals = [x for x in done.stdout.splitlines() if x.startswith("total ")]
    assert [line.rsplit("(", 1)[1] for line in totals][:2] == ["100.0 %)", "0.0 %)"]
    assert str(tmp_path / "site" / "demo" / "index.html") in done.stdout
    data = json.loads((tmp_path / "site/demo/data/v1/leaderboard.json").read_bytes())
    assert len(data["boards"][0]["entries"]) == 3
