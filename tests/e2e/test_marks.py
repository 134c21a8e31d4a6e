"""From a roster with times to marks that staff can change and everybody can check."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from grader_command import REFERENCE, TEMPLATE, Grader, copied

from grader.store import Store

BY = ("--by", "A. Teacher")
DUE = "2026-12-01T23:59+01:00"
IDENTITY = tuple(product(("AUTHOR", "COMMITTER"), ("NAME", "EMAIL")))
TERMS = ("--due", DUE, "--grace", "15m", "--late", "10%/day", "--cap", "50%")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Grader:
    """A round that was due before bob, but not ann, handed in; both are graded."""
    folder = tmp_path_factory.mktemp("marks")
    made = Grader(folder / "state")
    assert made.here("round", "new", "one", *TERMS, *BY).code == 0
    copied(REFERENCE, folder / "ann", {})
    copied(TEMPLATE, folder / "bob", {"setup.py": setup()})
    copied(TEMPLATE, folder / "cem", {})
    lines = [
        "student,source,submitted_at",
        "ann,ann,2026-12-01T23:00+01:00",
        "bob,bob,2026-12-03T09:00+01:00",
        "cem,cem,",
    ]
    roster = folder / "roster.csv"
    roster.write_text("\n".join(lines), encoding="utf8")
    chosen = ("--only", "setup", "--no-milestones", "--jobs", "1")
    for _ in range(2):  # the second tells and grades nothing new
        done = made("batch", roster, *chosen)
        assert done.code == 0, done.err
    return made


def setup() -> bytes:
    return (REFERENCE / "tinytorch" / "setup.py").read_bytes()


@pytest.fixture
def grader(graded: Grader, tmp_path: Path) -> Grader:
    """The command with what was graded, in a folder that a test may write to."""
    shutil.copytree(graded.state, tmp_path / "state")
    return Grader(tmp_path / "state")


def explained(grader: Grader, student: str) -> dict[str, Any]:
    done = grader.here("mark", "explain", student, "--format", "json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def exported(grader: Grader, folder: Path) -> tuple[dict[str, dict[str, str]], str]:
    """Return the lines of the gradebook by student, and what was said."""
    target = folder / "grades.csv"
    done = grader.here("export", "csv", "--to", target)
    assert done.code == 0, done.err
    with target.open(encoding="utf8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}, done.err


def events(grader: Grader) -> int:
    store = Store.open(grader.state / "store")
    count = len(store.events())
    store.close()
    return count


def test_times_of_a_roster_become_lateness_once(grader: Grader) -> None:
    ann, bob, cem = (explained(grader, name) for name in ("ann", "bob", "cem"))

    assert (ann["late_days"], ann["mark"]) == (0, ann["points"])
    assert bob["late_days"] == 2
    assert bob["mark"] == pytest.approx(0.8 * bob["points"])
    assert "no time of handing in is known" in " ".join(cem["steps"])
    store = Store.open(grader.state / "store")
    assert [e.payload.kind for e in store.events()].count("submitted") == 2
    store.close()


def test_a_student_can_read_how_the_mark_came_about(grader: Grader) -> None:
    done = grader.here("mark", "explain", "bob", "--round", "one")

    points, due = explained(grader, "bob")["points"], "due 2026-12-01 23:59+01:00"
    lines = done.out.splitlines()
    assert lines[1:4] == [
        f"earned {points:.2f} of {points:.2f}",
        f"handed in 2026-12-03 09:00+01:00, {due} and 15 minutes of grace",
        f"2 days late: -20 % of earned = -{points / 5:.2f}",
    ]


def test_the_gradebook_holds_the_marks(grader: Grader, tmp_path: Path) -> None:
    rows, said = exported(grader, tmp_path)

    assert float(rows["bob"]["mark"]) == explained(grader, "bob")["mark"]
    assert rows["bob"]["late_days"] == "2"
    assert "no time of handing in is known, taken as in time: 1" in said


def test_rounds_are_listed_without_their_secrets(grader: Grader) -> None:
    table = grader.here("round", "list")
    data = grader.here("round", "list", "--format", "json")

    (secret,) = (grader.state / "rounds").glob("*.json")
    hidden = json.loads(secret.read_text(encoding="utf8"))["secret_hex"]
    for done in (table, data):
        assert hidden not in done.out
        assert "due 2026-12-01 23:59+01:00; 15 minutes of grace" in done.out
    (row,) = json.loads(data.out)
    assert (row["name"], row["kind"], row["students"]) == ("one", "feedback", 3)


def test_a_policy_is_changed_in_parts_and_marks_follow(grader: Grader) -> None:
    done = grader.here("round", "set", "one", "--late", "25%/day", *BY)

    assert done.code == 0, done.err
    assert "15 minutes of grace; 25 % of earned off a day, at most 50 %" in done.err
    bob = explained(grader, "bob")
    assert bob["mark"] == pytest.approx(bob["points"] / 2)

    grader.here("round", "set", "one", "--due", "none", *BY)
    assert explained(grader, "bob")["late_days"] == 0


def test_extensions_by_name_and_by_table(grader: Grader, tmp_path: Path) -> None:
    day_more = ("extend", "bob", "2026-12-02T23:59+01:00")
    assert grader.here("mark", *day_more, *BY).code == 0
    assert explained(grader, "bob")["late_days"] == 1

    table = tmp_path / "dates.csv"
    table.write_text(
        "student,due,reason\nbob,2026-12-03T12:00+01:00,ill\n"
        "ann,2026-11-01T12:00+01:00,\n",
        encoding="utf8",
    )
    done = grader.here("mark", "extend", "--csv", table, *BY)

    assert done.code == 0, done.err
    assert "one: 2 dates of their own" in done.err
    assert "so without effect: 1" in done.err
    bob = explained(grader, "bob")
    assert bob["late_days"] == 0
    assert "ill" not in " ".join(bob["steps"])


def test_points_are_set_and_taken_back(grader: Grader) -> None:
    why = (*BY, "--reason", "oral")
    grader.here("mark", "override", "cem", "7.5", "--part", "setup", *why)
    cem = explained(grader, "cem")
    assert (cem["mark"], cem["parts"]["setup"]["earned"]) == (7.5, 7.5)

    grader.here("mark", "override", "cem", "1", *why)
    assert explained(grader, "cem")["mark"] == 1

    grader.here("mark", "override", "cem", "--clear", *BY)
    grader.here("mark", "override", "cem", "--clear", "--part", "setup", *BY)
    assert explained(grader, "cem")["mark"] == 0


def test_a_comment_is_in_the_gradebook(grader: Grader, tmp_path: Path) -> None:
    grader.here("mark", "comment", "ann", "=well done", *BY)

    rows, _ = exported(grader, tmp_path)

    assert rows["ann"]["comment"] == "'=well done"
    assert "comment: =well done" in grader.here("mark", "explain", "ann").out


def test_an_attempt_is_chosen_by_a_few_digits(grader: Grader) -> None:
    digest = explained(grader, "ann")["submission"].removeprefix("sha256:")[:12]

    done = grader.here("mark", "choose", "ann", digest, *BY, "--reason", "as agreed")

    assert done.code == 0, done.err
    steps = explained(grader, "ann")["steps"]
    assert steps[0] == f"counts: submission {digest}, chosen by A. Teacher: as agreed"
    assert grader.here("mark", "choose", "ann", "--clear", *BY).code == 0
    assert "the only attempt" in explained(grader, "ann")["steps"][0]


def test_a_team_shares_its_result(grader: Grader, tmp_path: Path) -> None:
    done = grader.here("mark", "team", "bob", "dan", "eve", *BY)

    assert done.code == 0, done.err
    assert "nothing is stored so far of: dan, eve" in done.err
    dan, eve = (explained(grader, name) for name in ("dan", "eve"))
    assert dan["mark"] == eve["mark"]
    assert dan["team"] == "bob"

    table = tmp_path / "teams.csv"
    table.write_text("team,member\nbob,fay\nbob,gus\n", encoding="utf8")
    assert grader.here("mark", "team", "--csv", table, *BY).code == 0
    assert explained(grader, "fay")["mark"] == dan["mark"]
    assert explained(grader, "dan")["mark"] is None

    assert grader.here("mark", "team", "bob", "--dissolve", *BY).code == 0
    assert explained(grader, "bob")["mark"] == dan["mark"]


def test_times_are_told_and_corrected(grader: Grader, tmp_path: Path) -> None:
    table = tmp_path / "times.csv"
    table.write_text(
        "student,submitted_at\ncem,2026-12-04T12:00+01:00\nbob,2026-12-05T12:00+01:00\n",
        encoding="utf8",
    )
    assert grader.here("mark", "times", table).code == 0
    assert explained(grader, "cem")["late_days"] == 3
    assert explained(grader, "bob")["late_days"] == 2  # an earlier time was told

    assert grader.here("mark", "times", table, "--anew").code == 0
    assert explained(grader, "bob")["late_days"] == 4


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("name,due\n", 3, "no column `student`"),
        (f"student,due\nann,{DUE}\nbob,soon\n", 3, "line 3, column due: 'soon' is no"),
        (f"student,due\nbobb,{DUE}\n", 2, "line 2, column student: there is no stu"),
        (f"student,due\nann,{DUE}\nann,{DUE}\n", 3, "line 3, column student: 'ann'"),
        ("student,due\nann,2026-12-01T10:00\n", 3, "does not say its offset"),
        (f'student,due\n"ann,{DUE}\n', 3, "no CSV file"),
        (f"student,due,reason\nann,{DUE},{'x' * 4001}\n", 2, "line 2, column reason:"),
    ],
)
def test_a_wrong_table_is_refused_whole(
    grader: Grader, tmp_path: Path, text: str, code: int, message: str
) -> None:
    table, before = tmp_path / "dates.csv", events(grader)
    table.write_text(text, encoding="utf8")

    done = grader.here("mark", "extend", "--csv", table, *BY)

    assert done.code == code, done.err
    assert message in " ".join(done.err.split())
    assert events(grader) == before


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["explain", "annn"], "there is no student 'annn'", "near it: ann"),
        (["explain", "ann", "--round", "won"], "no round 'won'", "near it: one"),
        (["override", "ann", "5", "--part", "tensr", *BY, "--reason", "x"],
         "there is no part 'tensr'", "near it: tensor"),
        (["override", "ann", "-1", *BY, "--reason", "x"], "no such option", ""),
        (["override", "ann", "inf", *BY, "--reason", "x"], "inf points", "0 or more"),
        (["override", "ann", "5", *BY], "why?", "--reason"),
        (["override", "ann", *BY], "name points", "--clear"),
        (["override", "zoe", "5", *BY, "--reason", "x"], "no student 'zoe'", "--new"),
        (["choose", "ann", "000000000000", *BY], "ann has no result", "submissions: "),
        (["choose", "ann", "1", *BY], "ann has no result", "submissions: "),
        (["extend", "ann", "2026-12-24T12:00", *BY], "does not say its offset",
         "2026-12-24T12:00+01:00 in winter"),
        (["extend", "ann", *BY], "name a student and a date", "--csv"),
        (["team", "red", *BY], "name a team and its members", "--dissolve"),
        (["team", "red", "ann", "ann", *BY], "a member stands twice", ""),
        (["comment", "ann", "x", "--by", ""], "by: ", ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_what_is_not_there_is_refused_with_names_near_it(
    grader: Grader, arguments: list[str], message: str, hint: str
) -> None:
    before = events(grader)

    done = grader.here("mark", *arguments)

    assert done.code == 2, done.err
    assert message.casefold() in done.err.casefold()
    assert hint in done.err
    assert events(grader) == before


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (["--due", "2026-12-01T23:59", *BY], "does not say its offset from UTC"),
        (["--due", "tomorrow", *BY], "'tomorrow' is no time"),
        (["--grace", "a while", *BY], "no span of time"),
        (["--late", "10%", *BY], "how much a day"),
        (["--late", "110%/day", *BY], "no share"),
        (["--cap", "x", *BY], "no share"),
        (["--closes", "36h", *BY], "no number of whole days"),
        (["--due", DUE], "who sets this policy?"),
        ([], "nothing would change"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_terms_that_are_not_clear_are_refused(
    grader: Grader, terms: list[str], message: str
) -> None:
    before = events(grader)

    done = grader.here("round", "set", "one", *terms)

    assert done.code == 2, done.err
    assert message in done.err
    assert "hint: " in done.err
    assert events(grader) == before


def test_a_round_whose_terms_are_not_clear_is_not_made(grader: Grader) -> None:
    done = grader.here("round", "new", "two", "--due", "soon", *BY)

    assert done.code == 2
    assert not (grader.state / "rounds" / "two.json").exists()


def test_somebody_of_whom_nothing_is_stored_can_have_more_time(grader: Grader) -> None:
    done = grader.here("mark", "extend", "zoe", "2026-12-24T12:00+01:00", *BY, "--new")

    assert done.code == 0, done.err
    assert explained(grader, "zoe")["due_at"] == "2026-12-24T12:00:00+01:00"


def committed(repository: Path) -> str:
    """Commit a package long before the round was due; return its address."""
    copied(TEMPLATE, repository, {})
    own = {"HOME": str(repository), "GIT_CONFIG_GLOBAL": os.devnull}
    own |= {f"GIT_{who}_{what}": "x@example.edu" for who, what in IDENTITY}
    own |= {
        f"GIT_{who}_DATE": "2020-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")
    }
    commands = (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        ("commit", "-q", "-m", "week 1"),
    )
    for command in commands:
        subprocess.run(
            ["git", *command], cwd=repository, env=os.environ | own, check=True
        )
    return f"git+file://{repository}@main"


def test_what_is_fetched_has_the_time_of_the_roster_and_never_of_its_commit(
    tmp_path: Path,
) -> None:
    made = Grader(tmp_path / "state")
    assert made.here("round", "new", "one", *TERMS, *BY).code == 0
    address = committed(tmp_path / "repository")
    roster = tmp_path / "roster.csv"
    at = "2026-12-02T12:00+01:00"
    text = f"student,source,submitted_at\nann,{address},{at}\nbob,{address},\n"
    roster.write_text(text, encoding="utf8")

    done = made("batch", roster, "--only", "setup", "--no-milestones")

    assert done.code == 0, done.err
    assert explained(made, "ann")["late_days"] == 1
    assert explained(made, "bob")["submitted_at"] is None


def test_marks_are_never_on_the_board(grader: Grader, tmp_path: Path) -> None:
    grader.here("mark", "override", "bob", "777.77", *BY, "--reason", "oral")
    grader.here("show", "bob", "alias", *BY)

    done = grader.here("publish", "--to", tmp_path / "site", "--minimum-group", "1")

    assert done.code == 0, done.err
    pages = [p for p in (tmp_path / "site").rglob("*") if p.is_file()]
    assert pages
    assert not [p for p in pages if b"777.77" in p.read_bytes()]
