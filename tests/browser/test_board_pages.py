"""The board with everything on it: competition, records, projects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from chromium import Browser
from publish.shown import ASSETS, long_sample
from publish.shown import site as pages

from grader.publish.html import Pages

pytestmark = pytest.mark.browser
EVENT = "tinymlperf/closed-latency.html"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the sample's pages into a folder."""
    folder = tmp_path_factory.mktemp("board") / "a site #2"
    for path, text in pages().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the pages of boards that are too long for one page into a folder."""
    folder = tmp_path_factory.mktemp("long")
    for path, page in Pages(ASSETS, *long_sample(230)).fixed().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(page)
    return folder


def kinds(board: Path) -> list[Path]:
    """Return one page of each kind: of entries the one with the most on it."""
    entries = sorted(board.glob("entry/*.html"), key=lambda p: p.stat().st_size)
    others = (p for p in board.rglob("*.html") if p.parent.name != "entry")
    return [*sorted(others), entries[-1]]


@pytest.fixture
def every(page: Browser, board: Path) -> Iterator[Iterator[Path]]:
    def opened() -> Iterator[Path]:
        for path in kinds(board):
            page.open(path.as_uri())
            yield path

    yield opened()
    page.open("about:blank")


def test_no_page_asks_anybody_or_keeps_anybody_out(
    page: Browser, every: Iterator[Path]
) -> None:
    page.resize(1280)
    for path in every:
        assert page.requests() == [path.as_uri()]
        assert page.complaints() == []
        assert violations(page) == [], path


def test_in_the_dark_on_a_phone_everything_can_be_read(
    page: Browser, every: Iterator[Path]
) -> None:
    page.resize(390, mobile=True)
    page.media(prefers_color_scheme="dark")
    for path in every:
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
        assert violations(page) == [], path


def test_an_event_is_sorted_by_score_and_keeps_it_in_its_address(
    page: Browser, board: Path
) -> None:
    page.open((board / EVENT).as_uri())
    head = "th[data-key='score'] button"
    scores = "[...document.querySelector('table').tBodies[0].rows].map((r) =>"
    scores += " parseFloat(r.querySelector('.total')?.textContent)).filter((v) => v)"

    page.click(head)  # the best first
    down = page.evaluate(scores)
    page.click(head)
    up = page.evaluate(scores)

    assert up == sorted(up)
    assert down == sorted(down, reverse=True)
    assert len(up) > 3
    assert "score" in page.evaluate("location.hash")


def test_without_script_an_event_has_all_its_rows(page: Browser, board: Path) -> None:
    page.open((board / EVENT).as_uri(), scripts=False)

    rows = page.evaluate("document.querySelectorAll('tbody tr').length")
    assert rows > 10
    assert page.evaluate("document.querySelectorAll('button, input').length") == 0


@pytest.mark.parametrize("wide", [1280, 390])
def test_further_pages_of_a_long_board_ask_nobody_and_can_be_read(
    page: Browser, long: Path, wide: int
) -> None:
    page.resize(wide, mobile=wide < 400)
    page.media(prefers_color_scheme="dark" if wide < 400 else "light")
    for name in ("all/board-1-2", "all/board-1-pages", "all/board-1-names-b"):
        path = (long / f"{name}.html").as_uri()
        page.open(path)
        assert page.requests() == [path]
        assert page.complaints() == []
        assert page.evaluate("document.documentElement.scrollWidth") == wide, path
        assert violations(page) == [], path


def test_a_long_board_is_read_page_by_page_and_the_filter_says_so(
    page: Browser, long: Path
) -> None:
    page.resize(1280)
    page.open((long / "index.html").as_uri())
    words = "document.querySelector('#controls').textContent"
    assert "on this page" in page.evaluate(words)
    page.click("#controls input")
    page.write("zzz")
    assert "0 matching on this page" in page.evaluate(words)

    page.open(page.evaluate("document.querySelector('nav.sheets a[rel=next]').href"))
    assert page.evaluate("location.pathname").endswith("/all/board-1-2.html")
    assert page.evaluate("document.querySelectorAll('tr[id]').length") == 100
    assert "ascending" in page.evaluate(
        "document.querySelector('[aria-sort]').ariaSort"
    )
