"""`tito leaderboard`: the public board in a terminal, with and without a connection."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from handing_in import write
from pretend_service import pretend, redirect, says
from tito_here import tito_here
from tito_students import one_error

from grader.publish import data
from grader.publish.models import Leaderboard

NAMES = ("brisk otter", "calm owl", "wise fox", "late mole")


def points(**facts: Any) -> dict[str, Any]:
    rows = [
        {
            "rank": [1, 2, 2, None][at],
            "tied": at in (1, 2),
            "name": name,
            "slug": name.replace(" ", "-"),
            "total": [412.5, 400.0, 400.0, None][at],
            "points": 700.0,
        }
        for at, name in enumerate(NAMES)
    ]
    board = {"round": "week-1", "profile": "quick", "shown": True, "entries": rows}
    return {
        "schema_version": 1,
        "course": "TinyTorch",
        "generated_at": "2026-11-24T12:00:00Z",
        "boards": [board],
        **facts,
    }


def events() -> dict[str, Any]:
    row = {
        "rank": "1= (1-2)",
        "name": "calm owl",
        "slug": "calm-owl",
        "state": "ranked",
        "score": 104.25,
        "interval": {"value": 104.25, "low": 101.0, "high": 108.0},
    }
    gone = {"name": "wise fox", "slug": "wise-fox", "state": "withdrawn", "rank": "-"}
    board = {
        "event": "latency",
        "division": "closed",
        "host_class": "lab",
        "frozen_at": "2026-11-20T00:00:00Z",
        "entries": [row, gone],
    }
    return {"schema_version": 1, "boards": [board]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project", __init__="", tensor="x = 1\n")


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


@pytest.fixture
def site(tmp_path: Path) -> Path:
    put(tmp_path / "site", leaderboard=points(), competition=events())
    return tmp_path / "site"


def put(site: Path, **files: Any) -> None:
    folder = site / "data" / "v1"
    folder.mkdir(parents=True, exist_ok=True)
    for name, facts in files.items():
        text = facts if isinstance(facts, str) else json.dumps(facts)
        (folder / f"{name}.json").write_text(text)


def board(project: Path, *words: object, **variables: str) -> Any:
    return tito_here(project, "leaderboard", *map(str, words), **variables)


def test_points_and_events_are_shown_with_your_row_marked(
    project: Path, site: Path
) -> None:
    done = board(project, "--from", site, "--me", "Calm-Owl")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "TinyTorch, as of 2026-11-24 12:00:00 UTC",
        "",
        "points, week-1 (quick)",
        f"       rank  {'name':<50}           points",
        f"          1  {'brisk otter':<50}     412.50 / 700",
        f">        2=  {'calm owl':<50}     400.00 / 700",
        f"         2=  {'wise fox':<50}     400.00 / 700",
        f"          -  {'late mole':<50}                -",
        "",
        "latency, closed division, on lab",
        "  frozen since 2026-11-20 00:00:00 UTC",
        f"       rank  {'name':<50}            score",
        f">  1= (1-2)  {'calm owl':<50}      104.2 +-3.8",
        f"          -  {'wise fox (withdrawn)':<50}                -",
    ]
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_the_alias_is_remembered_and_need_not_stay_on_the_board(
    project: Path, site: Path
) -> None:
    board(project, "--from", site, "--me", "calm owl")
    again = board(project, "--from", site)
    gone = points()
    gone["boards"][0]["entries"].pop(1)
    put(site, leaderboard=gone, competition={"schema_version": 1, "boards": []})
    without = board(project, "--from", site)

    assert again.stdout.count("\n>") == 2
    assert (without.returncode, without.stdout.count("\n>")) == (0, 0)
    nobody = board(project, "--from", site, "--me", "no such")
    assert nobody.returncode == 2
    assert one_error(nobody)[0] == "nobody is called 'no such' on the board"


def test_top_shows_the_first_and_you(project: Path, site: Path) -> None:
    words = ("--from", site, "--event", "points", "--top", 1, "--me", "wise fox")
    done = board(project, *words)

    rows = done.stdout.splitlines()[4:]
    assert [row.split("  ")[-1].strip() for row in rows[:2]] == [
        *("412.50 / 700", "400.00 / 700")
    ]
    assert rows[1].startswith(">")
    assert rows[2:] == ["  3 more; --top 4 shows all"]
    assert "latency" not in done.stdout


def test_an_event_that_is_not_there(project: Path, site: Path) -> None:
    done = board(project, "--from", site, "--event", "marathon")

    assert done.returncode == 2
    assert one_error(done) == (
        "the board has no 'marathon'",
        "It has: points, latency.",
    )


def test_what_the_grader_writes_is_read(project: Path, tmp_path: Path) -> None:
    made = Leaderboard.model_validate_json(
        json.dumps(points(boards=[], minimum_group=5))
    )
    put(tmp_path / "site", leaderboard=data.to_json(made).decode())

    done = board(project, "--from", tmp_path / "site")

    assert done.stdout.splitlines()[-1] == "nothing is published yet"


def test_the_course_says_where_the_board_is(project: Path, site: Path) -> None:
    (project / "tito").mkdir()
    file = project / "tito" / "course.json"

    file.write_text(json.dumps({"board": str(site)}))
    assert board(project).returncode == 0
    assert board(project, LEADERBOARD=str(site / "nowhere")).returncode == 1
    file.write_text("{}")
    assert "nobody has said" in one_error(board(project))[0]


def test_offline_the_last_copy_is_shown_with_its_date(
    project: Path, waits: list[float]
) -> None:
    with pretend() as service:
        for facts in (points(), events()):
            service.moods.append(says(json.dumps(facts).encode()))
        there = board(project, "--from", service.url)
    away = board(project, "--from", service.url)
    other = board(project, "--from", "http://127.0.0.1:1")

    assert (there.returncode, there.stderr) == (0, "")
    assert [a.path for a in service.asked] == [
        *("/data/v1/leaderboard.json", "/data/v1/competition.json")
    ]
    assert "authorization" not in service.asked[0].headers
    assert away.returncode == 0
    assert there.stdout in away.stdout
    assert "nothing answers there" in away.stdout
    assert "note     this is the copy of 20" in away.stdout
    assert other.returncode == 3  # of another place there is no copy
    assert sum(waits) <= 2


def test_a_course_without_a_competition(project: Path) -> None:
    with pretend() as service:
        service.moods.append(says(json.dumps(points()).encode()))
        service.moods.append(says(b"<html>", 404, "text/html"))
        done = board(project, "--from", service.url)

    assert done.returncode == 0
    assert "latency" not in done.stdout


@pytest.mark.parametrize(
    ("mood", "code", "says_"),
    [
        (says(b"<html>sign in</html>", 200, "text/html"), 1, "is no board of a course"),
        (says(b"[" * 100_000), 1, "is no board of a course"),
        (says(b'{"boards": 1}'), 1, "is no board of a course"),
        (says(b'{"schema_version": 2, "boards": []}'), 1, "of version 2, and this"),
        (says(b"<html>", 404, "text/html"), 1, "there is no board at"),
        (says(b"", 403, "text/html"), 1, "answers 403"),
        (redirect("https://elsewhere.example.org/x", 301), 1, "on to elsewhere.ex"),
    ],
)
def test_what_is_no_board_is_told(
    project: Path, mood: Any, code: int, says_: str
) -> None:
    with pretend() as service:
        service.moods.append(mood)
        done = board(project, "--from", service.url)

    assert done.returncode == code
    assert says_ in one_error(done)[0]


def test_a_board_that_is_too_large_is_not_read(
    project: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tito.board_place.MOST_BYTES", 1 << 20)
    large = json.dumps(points(course="x" * (1 << 20)))
    put(site, leaderboard=large)

    with pretend() as service:
        service.moods = [says(large.encode())] * 2
        over_the_line = board(project, "--from", service.url)

    told = over_the_line.stderr.splitlines()[0]
    assert told.endswith("does not answer as a web server does (more than 1 MiB)")
    assert "is larger than 1 MiB" in one_error(board(project, "--from", site))[0]
    assert (over_the_line.returncode, len(service.asked)) == (1, 2)


def test_what_others_wrote_cannot_act_on_the_terminal(
    project: Path, site: Path
) -> None:
    evil = "\x1b[2J\x9b31m\u202eevil\r\n\x07name"
    facts = points(course=evil, generated_at=evil)
    facts["boards"][0] |= {"round": evil, "profile": 3, "frozen_at": evil}
    facts["boards"][0]["entries"][0] |= {
        "name": evil,
        "rank": evil,
        "total": "nan",
        "points": True,
    }
    facts["boards"] += [None, {"entries": [None, 7, {"total": 1e300, "rank": True}]}]
    odd = events()
    odd["boards"][0]["entries"][0] |= {"rank": evil, "interval": [1], "state": evil}
    put(site, leaderboard=facts, competition=odd)

    done = board(project, "--from", site, TERM="xterm")

    assert done.returncode == 0
    assert "evil" in done.stdout
    for char in "\x1b\x9b\u202e\r\x07":
        assert char not in done.stdout
