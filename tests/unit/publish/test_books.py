"""Long tables over several pages: every row on one of them, and every name found."""

from __future__ import annotations

import re
from functools import cache
from posixpath import dirname, join, normpath

import pytest
from reports.test_html_report import Page

from grader.publish.html import Pages
from grader.publish.look.books import ROWS, WHOLE, Row, book
from publish import rich
from publish.shown import ASSETS, long_sample

LONG = 230  # rows of each long table in the sample
FIRST = "tinymlperf/closed-latency.html"


@cache
def site() -> dict[str, str]:
    made = Pages(ASSETS, *long_sample(LONG)).fixed()
    return {path: page.decode() for path, page in made.items()}


def table(path: str, its: str) -> str:
    """Return one table of a page."""
    found = re.search(rf'<table[^>]* id="{its}">.*?</table>', site()[path], re.DOTALL)
    assert found
    return found[0]


def rows(path: str, its: str) -> list[str]:
    """Return the names in one table of a page, in its order."""
    return re.findall(r'<tr[^>]* data-entry="([^"]*)"', table(path, its))


def followed(path: str) -> list[str]:
    """Return a page and all after it, going from link to link."""
    pages = [path]
    while found := re.search(r'rel="next" href="([^"]*)"', site()[pages[-1]]):
        pages.append(normpath(join(dirname(pages[-1]), found[1])))
    return pages


def named(count: int, rank: str = "") -> list[Row]:
    return [Row(rank or f"{n}", f"name {n}", f"name-{n}") for n in range(1, count + 1)]


def test_a_class_of_two_hundred_stands_on_one_page() -> None:
    assert book("t", "index.html", "all/t", named(WHOLE)) is None
    assert book("t", "index.html", "all/t", named(WHOLE + 1)) is not None
    assert not any(
        path.startswith("all/") for path in Pages(ASSETS, rich.leaderboard()).fixed()
    )


@pytest.mark.parametrize("count", [WHOLE + 1, 3 * ROWS, 3 * ROWS + 1, 10_000])
def test_every_row_is_on_one_page_and_in_one_list_of_names(count: int) -> None:
    made = book("t", "index.html", "all/t", named(count))
    assert made

    held = [row for sheet in made.sheets for row in sheet.rows]
    assert held == named(count)
    assert all(1 <= len(sheet.rows) <= ROWS for sheet in made.sheets)
    assert [s.first for s in made.sheets[1:]] == [s.last + 1 for s in made.sheets[:-1]]
    listed = [row for letter in made.letters for row, _ in letter.names]
    assert sorted(listed) == sorted(held)
    paths = [s.path for s in made.sheets] + [one.path for one in made.letters]
    assert len({*paths, made.contents}) == len(paths) + 1


def test_a_tie_that_a_cut_goes_through_is_told_on_both_sides() -> None:
    cut = [*named(ROWS - 1), *named(2, "100="), *named(ROWS, "\u2013")]
    made = book("t", "index.html", "all/t", cut)
    assert made

    assert [s.tied_after for s in made.sheets] == ["100=", "", ""]
    assert [s.tied_before for s in made.sheets] == ["", "100=", ""]


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("brisk otter", "b"),
        ("Émile", "e"),
        ("  ada", "a"),
        ("7up", "other"),
        ("", "other"),
    ],
)
def test_names_stand_under_their_first_letter(name: str, letter: str) -> None:
    made = book("t", "index.html", "all/t", [Row("1", name, "x")] * (WHOLE + 1))

    assert made
    assert [one.letter for one in made.letters] == [letter]


@pytest.mark.parametrize(
    ("first", "its"), [("index.html", "board-1-standings"), (FIRST, "host-1-ranks")]
)
def test_all_rows_are_reached_by_plain_links(first: str, its: str) -> None:
    pages = followed(first)

    names = [name for path in pages for name in rows(path, its)]
    assert len(pages) == 3
    assert len(names) == len(set(names)) == LONG
    assert "page 2" in site()[pages[1]]


def test_the_reference_stands_once_in_a_long_event() -> None:
    tables = [table(path, "host-1-ranks") for path in followed(FIRST)]

    assert sum(found.count('<tr class="baseline">') for found in tables) == 1


@pytest.mark.parametrize("first", ["index.html", FIRST])
def test_a_name_leads_to_its_row(first: str) -> None:
    (contents,) = {
        normpath(join(dirname(first), found))
        for found in re.findall(r'href="([^"]*-pages.html)"', site()[first])
    }
    lists = [
        p for p in site() if p.startswith(contents.replace("pages.html", "names-"))
    ]

    reached = []
    for path in lists:
        assert f'href="../{path}"' in site()[contents]
        for href in re.findall(r'<li><a href="([^"]*)#', site()[path]):
            assert normpath(join(dirname(path), href)) in site()
        for href in re.findall(r'<li><a href="([^"]*)"', site()[path]):
            file, _, place = href.partition("#")
            assert f'<tr id="{place}"' in site()[normpath(join(dirname(path), file))]
            reached.append(place)
    assert len(set(reached)) == len(reached) == LONG


def test_every_page_is_whole_and_says_what_the_script_looks_at() -> None:
    long = [p for p in site() if "-2.html" in p or "-names-" in p or "-pages." in p]

    assert len(long) > 6
    for path in [*long, "index.html", FIRST]:
        page = Page(site()[path])
        ids = page.attributes("id")
        assert len(ids) == len(set(ids))
        for href in page.attributes("href"):
            file = href.partition("#")[0]
            there = normpath(join(dirname(path), file)) if file else path
            known = there in site() or there.startswith(
                ("entry/", "data/", "feed", "SHA")
            )
            assert known, href
        if 'id="controls"' in site()[path]:
            assert 'class="screen" data-part' in site()[path]
    plain = Pages(ASSETS, rich.leaderboard()).index()
    assert b'class="screen" data-part' not in plain
