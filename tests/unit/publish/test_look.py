"""Every page of the site, held against what all pages must keep."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from pathlib import PurePosixPath
from posixpath import normpath

import pytest
from reports.samples import HOSTILE
from reports.test_html_report import Page

from grader.publish.competition_models import Competition, EventEntry
from grader.publish.html import Pages
from publish import rich, shown
from publish.shown import ASSETS, rendered, site

CLOSED = "tinymlperf/closed-latency.html"
OTTER = "entry/brisk-otter.html"


def rows(path: str) -> list[str]:
    """Return the rows of the first table of ranks on a page."""
    table = re.search(r'id="host-1-ranks".*?</table>', site()[path], re.DOTALL)
    assert table
    return re.findall(r"<tr class=.*?</tr>", table[0], re.DOTALL)


def test_every_kind_of_page_is_there() -> None:
    kinds = {path for path in site() if not path.startswith("entry/")}

    assert kinds >= {"index.html", "records.html", "rules.html", "privacy.html"}
    assert kinds >= {"embed.html", "404.html", "projects/index.html", CLOSED}
    assert "tinymlperf/open-latency.html" in kinds
    assert len([k for k in kinds if k.startswith("projects/")]) == 2
    assert len(site()) - len(kinds) == len(rich.pages())


@pytest.mark.parametrize("path", site())
def test_a_page_is_whole_named_and_its_ids_are_unique(path: str) -> None:
    page = Page(site()[path])
    names = [tag for tag, _ in page.tags]
    ids = page.attributes("id")
    named = " ".join(page.attributes("aria-labelledby")).split()

    assert names.count("h1") == 1
    assert names.count("caption") == names.count("table")
    assert all("scope" in a for tag, a in page.tags if tag == "th")
    assert len(ids) == len(set(ids))
    assert set(named) <= set(ids)
    for tag, attributes in page.tags:
        drawn = tag == "svg"
        assert not drawn or "aria-hidden" in attributes or attributes["role"] == "img"


@pytest.mark.parametrize("path", site())
def test_nothing_is_loaded_and_every_link_leads_somewhere(path: str) -> None:
    page = Page(site()[path])
    files = {*site(), *shown.DATA}

    assert not page.attributes("src")
    assert not page.attributes("style")
    assert not re.search(r"url\(|@import|https?:", site()[path])
    for href in page.attributes("href"):
        file, _, place = href.partition("#")
        there = normpath(str(PurePosixPath(path).parent / file)) if file else path
        assert there in files, href
        assert not place or f'id="{place}"' in site()[there], href


@pytest.mark.parametrize("path", site())
def test_the_policy_names_just_what_stands_in_the_page(path: str) -> None:
    text = site()[path]
    policy = next(c for c in Page(text).attributes("content") if "none" in c)
    inline = re.findall(r"<(style|script)>(.*?)</\1>", text, re.DOTALL)
    hashes = [
        f"{kind}-src 'sha256-"
        + base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        + "'"
        for kind, code in inline
    ]

    assert policy.split("; ") == [
        "default-src 'none'",
        *hashes,
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert ("table" in text and "sortable" in text.split("</style>")[1]) == (
        "<script>" in text
    )


def test_rendering_again_gives_the_same_bytes() -> None:
    assert rendered() == site()


def _renamed(made: Competition, name: str) -> Competition:
    boards = []
    for board in made.boards:
        entries = tuple(e.model_copy(update={"name": name}) for e in board.entries)
        boards.append(board.model_copy(update={"entries": entries}))
    records = tuple(r.model_copy(update={"name": name}) for r in made.records)
    return made.model_copy(update={"boards": tuple(boards), "records": records})


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_names_and_projects_stay_text(text: str) -> None:
    small = rich.competition().model_copy(
        update={"boards": rich.competition().boards[:1]}
    )
    board = rich.leaderboard().boards[0]
    points = rich.leaderboard().model_copy(update={"boards": (board,)})

    def pages(name: str) -> dict[str, bytes]:
        entries = tuple(e.model_copy(update={"name": name}) for e in board.entries[:3])
        few = board.model_copy(update={"entries": entries})
        said = points.model_copy(update={"boards": (few,)})
        made = _renamed(small, name)
        found = Pages(ASSETS, said, made, shown.projects(name, name))
        page = rich.pages()["brisk-otter"].model_copy(
            update={"name": name, "events": made.boards[0].entries[:1], "points": ()}
        )
        return found.fixed() | {"entry": found.entry(page, [], rich.samples())}

    for (path, ours), plain in zip(
        pages(text).items(), pages("plain").values(), strict=True
    ):
        assert all(line.isprintable() for line in ours.decode().split("\n")), path
        tags = [tag for tag, _ in Page(ours.decode()).tags]
        assert tags == [tag for tag, _ in Page(plain.decode()).tags], path


def test_ranks_stand_as_they_were_made_with_their_intervals() -> None:
    entries = rich.competition().boards[0].entries

    for entry in (e for e in entries if e.state == "ranked"):
        row = next(r for r in rows(CLOSED) if f'data-entry="{entry.name}"' in r)
        number = entry.rank.partition(" ")[0]
        assert f">{number}<" in row.replace(" <", "<")
        assert entry.interval
        assert f"{entry.interval.low:.1f}\N{EN DASH}{entry.interval.high:.1f}" in row
        assert '<svg class="iv"' in row


def test_the_reference_stands_where_it_scores_and_has_no_rank() -> None:
    place = next(i for i, r in enumerate(rows(CLOSED)) if "baseline" in r)
    entries = [e for e in rich.competition().boards[0].entries if e.state == "ranked"]

    assert place == sum((e.score or 0) >= 100 for e in entries)
    assert "data-v" not in rows(CLOSED)[place].partition("</td>")[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hollow marble", "failed: outputs"),
        ("bold tundra", "speed: mlp"),
        ("patient orbit", "the reference did not keep pace with itself"),
        ("early cobalt", "withdrawn"),
    ],
)
def test_a_row_without_a_rank_says_why_and_sorts_as_missing(
    name: str, said: str
) -> None:
    row = next(r for r in rows(CLOSED) if f'data-entry="{name}"' in r)

    assert said in row
    assert f'<td class="num rank">{chr(0x2013)}</td>' in row


def test_frozen_and_too_small_boards_say_so() -> None:
    until = rich.NOW - timedelta(days=2)
    assert (
        f"Frozen since {until:%Y-%m-%d %H:%M} UTC"
        in (site()["tinymlperf/closed-memory.html"])
    )
    assert (
        "Fewer than 5 entries are public"
        in (site()["tinymlperf/closed-generation.html"])
    )


def test_an_entry_has_a_dot_for_every_sample_and_draws_a_session_once() -> None:
    page = rich.pages()["brisk-otter"]
    timed = [s for s in page.sessions if rich.samples()[s].log_ratios]

    strips = re.findall(r'class="dots s" d="([^"]*)"', site()[OTTER])
    assert [s.count("h0") for s in strips] == [40] * len(timed)
    assert site()[OTTER].count('-use-t"') == len(page.sessions)


def test_an_entry_has_its_command_gates_and_provenance() -> None:
    text = Page(site()[OTTER]).text()
    entry = rich.pages()["brisk-otter"].events[0]

    assert entry.reproduce in text
    assert all(g.detail in text for g in entry.gates)
    assert entry.submission in text
    assert str(entry.workloads[0].seed) in text


def test_who_is_not_on_a_board_is_not_linked() -> None:
    first = rich.competition().records[0]
    gone = first.model_copy(update={"slug": "nobody-here", "name": "nobody here"})
    made = rich.competition().model_copy(update={"records": (gone,)})

    text = rendered(made)["records.html"]

    assert "nobody here" in text
    assert "nobody-here" not in text


def test_the_story_says_what_was_reached_and_best() -> None:
    board = rich.leaderboard().boards[0]
    stones = [e.milestones[0] for e in board.entries]
    story = re.search(r'<ol class="stops".*?</ol>', site()["index.html"], re.DOTALL)
    assert story
    first = Page(story[0].partition("</li>")[0] + "</li></ol>").text()

    assert f"{sum(bool(s.reached) for s in stones)} of {len(stones)} reached" in first
    best = max(s.metric for s in stones if s.metric is not None)
    assert f"{100 * best:.1f} %" in first


def test_pages_without_competition_or_projects_say_so() -> None:
    empty = Pages(ASSETS, rich.leaderboard()).fixed()

    assert b"No record has been set yet" in empty["records.html"]
    assert not any(path.startswith("projects/") for path in empty)
    assert b"competition.json" not in empty["index.html"]


def test_a_page_of_an_entry_stays_light() -> None:
    """60 kB for points and an event; who enters everything may have 120."""
    sizes = {path: len(text.encode()) for path, text in site().items()}

    one = [
        sizes[f"entry/{slug}.html"]
        for slug, page in rich.pages().items()
        if len(page.events) <= 1
    ]
    assert one
    assert max(one) <= 60_000
    assert max(sizes.values()) <= 120_000


def test_states_of_the_sample_are_all_shown() -> None:
    """Guard the tests above: a sample without a kind of row would test nothing."""
    entries: tuple[EventEntry, ...] = rich.competition().boards[0].entries

    assert {e.state for e in entries} == {
        *("ranked", "unranked", "unstable", "withdrawn")
    }
