from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from reports.samples import (
    HOSTILE,
    START,
    everything,
    good,
    hostile,
    perfect,
    report,
)
from reports.test_html_report import Page

from grader.errors import ConfigError
from grader.publish import SiteSettings, build, check_site, write_site
from publish.courses import SECRET, Course

ASSETS = Path(__file__).parents[3] / "leaderboard"
Site = dict[PurePosixPath, bytes]
INDEX = PurePosixPath("index.html")
DATA = PurePosixPath("data/v1/leaderboard.json")
TABLE = PurePosixPath("data/v1/leaderboard.csv")

# What the registrar knows; none of it may appear in any byte of the site.
ROSTER = {
    "s1024-lovelace": "alias",
    "s2048-hopper": "alias",
    "s4096-noether": "hidden",
    "s8192-franklin": "undecided",
}


def course() -> Course:
    """Return a course of four, two of them public, with every kind of result."""
    made = Course()
    made.stored(report("s1024-lovelace", modules=good()))
    made.shown("s1024-lovelace", "alias")
    made.stored(report("s2048-hopper", modules=everything(), minutes=1))
    made.shown("s2048-hopper", "alias")
    made.stored(report("s4096-noether", modules=perfect(), minutes=2))
    made.shown("s4096-noether", "named", "Emmy Noether")
    made.shown("s4096-noether", "hidden")
    made.stored(report("s8192-franklin", modules=perfect(), minutes=3))
    made.withdrawn(made.stored(report("s1024-lovelace", modules=(), minutes=4)))
    return made


def built(made: Course | None = None, minimum_group: int = 1) -> Site:
    made = made or course()
    settings = SiteSettings(SECRET, ASSETS, minimum_group, START)
    return build(made.export(), made.report, settings)


def pages(site: Site) -> dict[PurePosixPath, str]:
    return {p: c.decode() for p, c in site.items() if p.suffix == ".html"}


def test_the_site_has_its_pages_and_data() -> None:
    names = [str(path) for path in built()]

    folders = ("badges/", "entry/")
    assert [sum(n.startswith(f) for n in names) for f in folders] == [1, 2]
    assert sorted(n for n in names if not n.startswith(folders)) == [
        "404.html",
        "SHA256SUMS",
        "data/v1/competition.csv",
        "data/v1/competition.json",
        "data/v1/competition.schema.json",
        "data/v1/leaderboard.csv",
        "data/v1/leaderboard.json",
        "data/v1/leaderboard.schema.json",
        "data/v1/records.csv",
        "data/v1/records.json",
        "data/v1/records.schema.json",
        "data/v1/samples.schema.json",
        "embed.html",
        "feed.atom",
        "index.html",
        "privacy.html",
        "records.html",
        "rules.html",
    ]


def test_two_builds_are_byte_identical() -> None:
    assert list(built().items()) == list(built().items())


@pytest.mark.parametrize("minimum_group", [1, 5])
def test_no_byte_names_anyone_who_did_not_agree(minimum_group: int) -> None:
    everything_written = b"\n".join(
        str(path).encode() + b"\n" + content
        for path, content in built(minimum_group=minimum_group).items()
    ).lower()

    for student in ROSTER:
        number, name = student.split("-")
        for secret in (student, number, name, f"/srv/courses/{student}"):
            assert secret.encode() not in everything_written
    assert b"emmy" not in everything_written


def test_nothing_a_submission_said_or_staff_wrote_is_public() -> None:
    everything_written = b"\n".join(built().values())

    for words in (
        b"elementwise product",
        b"tinytorch/tensor.py:41",
        b"conftest.py",
        b"the host ran out of memory",
        b"secret reason",
        b"TODO",
    ):
        assert words not in everything_written


def test_a_hidden_board_leaves_no_page_and_no_data() -> None:
    site = built(minimum_group=5)

    assert not [path for path in site if path.parts[0] == "entry"]
    assert json.loads(site[DATA])["boards"][0]["entries"] == []
    assert len(site[TABLE].splitlines()) == 1
    assert "Nothing is shown for this round" in site[INDEX].decode()


def test_withdrawing_consent_removes_page_row_and_data() -> None:
    made = course()
    before = {p for p in built(made) if p.parts[0] == "entry"}
    made.shown("s1024-lovelace", "hidden")

    site = built(made)

    (gone,) = before - set(site)
    assert gone.stem.encode() not in b"".join(site.values())
    assert gone.stem.replace("-", " ").encode() not in b"".join(site.values())


def test_check_sums_hold_for_every_other_file(tmp_path: Path) -> None:
    site = built()
    write_site(site, tmp_path / "site")

    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == len(site) - 1


def test_links_are_relative_and_lead_to_files_of_the_site() -> None:
    site = built()

    for path, text in pages(site).items():
        for href in Page(text).attributes("href"):
            assert not re.match(r"[a-z]+:|/", href)
            file, _, place = href.partition("#")
            target = Path("/", path.parent, file or path.name).resolve()
            there = PurePosixPath(str(target).lstrip("/"))
            assert there in site
            assert not place or f'id="{place}"'.encode() in site[there]


def test_pages_are_whole_have_captions_and_need_no_script() -> None:
    for text in pages(built()).values():
        page = Page(text)
        names = [tag for tag, _ in page.tags]

        assert names.count("caption") == names.count("table")
        assert all("scope" in a for tag, a in page.tags if tag == "th")
        assert "button" not in names
        ids = page.attributes("id")
        assert len(ids) == len(set(ids))


def test_only_the_index_has_a_script_and_its_policy_names_its_hash() -> None:
    for path, text in pages(built()).items():
        policy = next(c for c in Page(text).attributes("content") if "none" in c)

        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert ("<script>" in text) == ("script-src" in policy) == (path == INDEX)


def test_what_is_missing_is_a_dash_and_sorts_as_missing() -> None:
    text = built()[INDEX].decode()

    assert '<td class="num total">\N{EN DASH}</td>' in text
    assert 'data-v="None"' not in text
    assert 'data-v=""' not in text


def test_csv_and_json_say_the_same() -> None:
    site = built()
    rows = list(csv.DictReader(io.StringIO(site[TABLE].decode())))
    totals = {r["entry"]: r["earned"] for r in rows if r["part"] == "total"}

    entries = json.loads(site[DATA])["boards"][0]["entries"]
    assert totals == {
        e["name"]: "" if e["total"] is None else f"{e['total']:.10g}" for e in entries
    }


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_names_and_reports_stay_text(text: str) -> None:
    made, plain = Course(), Course()
    for each, words in ((made, text), (plain, "plain")):
        graded = hostile(words).model_copy(update={"student": "s"})
        each.stored(graded)
        each.shown("s", "named", words)

    site, expected = built(made), built(plain)

    assert list(site) == list(expected)
    for path, page in pages(site).items():
        assert all(line.isprintable() for line in page.split("\n"))
        tags = [tag for tag, _ in Page(page).tags]
        assert tags == [tag for tag, _ in Page(expected[path].decode()).tags]
    for row in csv.reader(io.StringIO(site[TABLE].decode())):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
    json.loads(site[DATA])


def test_an_empty_store_gives_a_site_that_says_so() -> None:
    assert "No result has been stored yet" in built(Course())[INDEX].decode()


def test_assets_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"site\.css"):
        build(
            Course().export(), Course().report, SiteSettings(SECRET, tmp_path, 1, START)
        )


def test_writing_replaces_the_site_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "site"
    write_site(built(), target)
    smaller = built(Course())

    write_site(smaller, target)

    assert check_site(smaller, target) == []
    assert [p.name for p in tmp_path.iterdir()] == ["site"]
    assert (target.stat().st_mode & 0o777) == 0o755


def test_check_names_every_difference(tmp_path: Path) -> None:
    site = built()
    write_site(site, tmp_path / "site")
    (tmp_path / "site/index.html").write_text("changed")
    (tmp_path / "site/rules.html").unlink()
    (tmp_path / "site/extra.html").write_text("")

    assert check_site(site, tmp_path / "site") == [
        "extra.html should not be there",
        "index.html differs",
        "rules.html is missing",
    ]


def test_a_folder_that_is_no_site_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(ConfigError, match="holds no leaderboard"):
        write_site(built(), tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_failure_half_way_keeps_the_old_site(tmp_path: Path) -> None:
    target = tmp_path / "site"
    site = built()
    write_site(site, target)
    broken = {**site, PurePosixPath("index.html/impossible"): b""}

    with pytest.raises(ConfigError, match="cannot write"):
        write_site(broken, target)

    assert check_site(site, target) == []
    assert [p.name for p in tmp_path.iterdir()] == ["site"]


def test_without_the_exchange_call_the_site_is_still_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.publish.site._exchange", lambda *_: False)
    write_site(built(), tmp_path / "site")

    write_site(built(Course()), tmp_path / "site")

    assert check_site(built(Course()), tmp_path / "site") == []
    assert [p.name for p in tmp_path.iterdir()] == ["site"]
